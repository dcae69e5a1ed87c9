#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "message.h"

uint32_t ci_crc32(uint32_t start, const uint8_t *bytes, size_t count) {
    return bytes == NULL ? start : (uint32_t)crc32_z(start, bytes, count);
}

/// Inflates into `out`, doubling it as needed; the caller ends the stream and frees `out` on failure.
static CIStatus inflate_all(z_stream *stream, size_t limit, CIBuffer *out, CIMessage *message) {
    size_t capacity = limit < 4096 ? limit : 4096;
    for (;;) {
        // One byte more than the limit would be needed to see that the stream is too long: a stream that
        // fills the limit exactly must also have ended.
        uint8_t *grown = realloc(out->bytes, capacity + 1);
        if (grown == NULL) {
            return ci_fail(message, CIOutOfMemory, "out of memory");
        }
        out->bytes = grown;
        stream->next_out = out->bytes + out->count;
        stream->avail_out = (uInt)(capacity + 1 - out->count);
        int status = inflate(stream, Z_NO_FLUSH);
        out->count = capacity + 1 - stream->avail_out;
        if (out->count > limit) {
            return ci_fail(message, CITooLarge, "the text is too long once unpacked");
        }
        if (status == Z_STREAM_END) {
            return CIOK;
        }
        if (status == Z_MEM_ERROR) {
            return ci_fail(message, CIOutOfMemory, "out of memory");
        }
        if (status != Z_OK && status != Z_BUF_ERROR) {
            return ci_fail(message, CIFailed, stream->msg != NULL ? stream->msg : "not zlib data");
        }
        if (stream->avail_out > 0) {
            return ci_fail(message, CIFailed, "the compressed text ends too early");
        }
        capacity = capacity > limit / 2 ? limit : capacity * 2;
    }
}

CIStatus ci_inflate(const uint8_t *bytes, size_t count, size_t limit, CIBuffer *out, CIMessage *message) {
    *out = (CIBuffer){NULL, 0};
    if (count > UINT32_MAX || limit >= UINT32_MAX) {
        return ci_fail(message, CITooLarge, "the compressed text is too long");
    }
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)count;
    if (inflateInit(&stream) != Z_OK) {
        return ci_fail(message, CIOutOfMemory, "out of memory");
    }
    CIStatus status = inflate_all(&stream, limit, out, message);
    inflateEnd(&stream);
    if (status != CIOK) {
        ci_free(out);
    }
    return status;
}
