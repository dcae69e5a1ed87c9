import Engine
import Generation
import Testing

struct RunStateTests {
    @Test func `a run that nobody stops begins, works and settles`() {
        var state = RunState()
        #expect(state.begin() == .work)
        #expect(state.phase == .working)
        #expect(state.settle() == nil)
        #expect(state.phase == .settled)
    }

    @Test(arguments: [RunState.Reason.cancelled, .timedOut, .expired, .givenBack, .lost])
    func `a working run is interrupted once, and says why`(reason: RunState.Reason) {
        var state = RunState()
        #expect(state.begin() == .work)
        #expect(state.stop(reason) == .interrupt)
        #expect(state.stop(reason) == .none)
        #expect(state.settle() == reason)
    }

    @Test func `a run that is stopped before it begins does no work`() {
        var state = RunState()
        #expect(state.stop(.cancelled) == .none)
        #expect(state.begin() == .skip(.cancelled))
        #expect(state.settle() == .cancelled)
    }

    @Test func `the first reason counts, but a lost lease overrules it`() {
        var state = RunState()
        _ = state.begin()
        #expect(state.stop(.timedOut) == .interrupt)
        #expect(state.stop(.cancelled) == .none)
        #expect(state.reason == .timedOut)
        #expect(state.stop(.lost) == .none)
        #expect(state.settle() == .lost)
    }

    @Test func `nothing stops a run that is settled`() {
        var state = RunState()
        _ = state.begin()
        #expect(state.settle() == nil)
        #expect(state.stop(.cancelled) == .none)
        #expect(state.reason == nil)
        #expect(state.phase == .settled)
    }
}
