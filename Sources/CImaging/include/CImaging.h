// C functions over libpng, libturbojpeg, libwebp and zlib: pixels in, pixels out.
//
// Every function returns a status and, when it fails, leaves one line of text in a message buffer of the
// caller. No error leaves through longjmp, nothing is printed, and no global state is touched, so that all of
// them may be called from several threads at once. Containers (chunks, segments, EXIF) are read and written
// in Swift; only compressed data comes here.
#ifndef GESSO_CIMAGING_H
#define GESSO_CIMAGING_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What a function did: `CIOK` is success, and for all others the message buffer says more.
typedef enum CIStatus : int32_t {
    CIOK = 0,
    /// Decoded with a complaint of the library; the pixels are there, the caller decides.
    CIWarning = 1,
    CIFailed = 2,
    CIOutOfMemory = 3,
    /// The result would be larger than the caller allows.
    CITooLarge = 4,
} CIStatus;

/// Where an error message goes: always ends in a zero byte, cut to the buffer's size.
typedef struct CIMessage {
    char text[256];
} CIMessage;

/// Bytes allocated by one of these functions; give them back with `ci_free`.
typedef struct CIBuffer {
    uint8_t *_Nullable bytes;
    size_t count;
} CIBuffer;

/// A rectangle of 8-bit samples: `channels` (1 grey, 3 RGB, 4 RGBA or CMYK) interleaved, rows without padding.
typedef struct CIShape {
    int32_t width, height, channels;
} CIShape;

/// Frees what an encoder or `ci_inflate` returned and empties it. An empty buffer is allowed.
void ci_free(CIBuffer *buffer);

/// Continues a CRC-32 (start with 0) as PNG chunks use it.
uint32_t ci_crc32(uint32_t start, const uint8_t *_Nullable bytes, size_t count);

/// Inflates one zlib stream, refusing (`CITooLarge`) to produce more than `limit` bytes.
CIStatus ci_inflate(const uint8_t *bytes, size_t count, size_t limit, CIBuffer *out, CIMessage *message);

/// Decodes a PNG into `pixels`, which holds `width * height * channels` bytes. Any depth becomes 8 bits, a palette
/// RGB, transparency alpha; a picture that does not have exactly this shape is refused.
CIStatus ci_png_decode(
    const uint8_t *bytes, size_t count, CIShape shape, uint8_t *pixels, CIMessage *message);

/// Encodes 1, 3 or 4 channels as an 8-bit PNG: `level` 0 stores, 1 is the fast form for pictures (Paeth filter,
/// run lengths), 2...9 are zlib's levels with libpng's choice of filters.
CIStatus ci_png_encode(
    const uint8_t *pixels, CIShape shape, int32_t level, CIBuffer *out, CIMessage *message);

/// Decodes a JPEG into `pixels`. `channels` is the file's number of components: 4 gives CMYK as it is stored.
CIStatus ci_jpeg_decode(
    const uint8_t *bytes, size_t count, CIShape shape, uint8_t *pixels, CIMessage *message);

/// Encodes 1 or 3 channels as a baseline JPEG of `quality` 1...100; `halvedColour` is 4:2:0, otherwise 4:4:4.
CIStatus ci_jpeg_encode(
    const uint8_t *pixels, CIShape shape, int32_t quality, _Bool halvedColour, CIBuffer *out,
    CIMessage *message);

/// Reads the size of a WebP file (`channels` 3 or 4) and whether it is an animation.
CIStatus ci_webp_header(
    const uint8_t *bytes, size_t count, CIShape *shape, _Bool *animated, CIMessage *message);

/// Decodes a still WebP into `pixels`, which holds 3 or 4 channels as `shape` says.
CIStatus ci_webp_decode(
    const uint8_t *bytes, size_t count, CIShape shape, uint8_t *pixels, CIMessage *message);

/// Encodes 3 or 4 channels as WebP: lossy with `quality` 1...100, or lossless, where it is ignored.
CIStatus ci_webp_encode(
    const uint8_t *pixels, CIShape shape, int32_t quality, _Bool lossless, CIBuffer *out, CIMessage *message);

#pragma clang assume_nonnull end

#endif
