import Generation
import Testing

struct MemoryRoomTests {
    @Test func `what comes back is counted on, the most is never exceeded`() {
        #expect(MemoryRoom(most: 100, returning: 30).allowance(free: 50) == 80)
        #expect(MemoryRoom(most: 100, returning: 30).allowance(free: 90) == 100)
        #expect(MemoryRoom(most: 100).allowance(free: 50) == 50)
        #expect(MemoryRoom(most: 100, returning: 30).allowance(free: nil) == 100)
        #expect(MemoryRoom(most: 100, returning: .max).allowance(free: 1) == 100)
    }
}
