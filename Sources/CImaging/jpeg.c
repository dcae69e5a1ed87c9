#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "message.h"

/// The library's pixel layout for a number of channels, or -1.
static int pixel_format(int32_t channels) {
    switch (channels) {
    case 1:
        return TJPF_GRAY;
    case 3:
        return TJPF_RGB;
    case 4:
        return TJPF_CMYK;
    default:
        return -1;
    }
}

/// Decodes with an open handle. The size is compared first because the library would scale a picture that
/// does not fit into what it was promised.
static CIStatus decode_with(
    tjhandle handle, const uint8_t *bytes, size_t count, CIShape shape, uint8_t *pixels,
    CIMessage *message) {
    int width = 0, height = 0, subsampling = 0, colour = 0;
    int status = tjDecompressHeader3(
        handle, bytes, (unsigned long)count, &width, &height, &subsampling, &colour);
    // Rare colour samplings have no name in this interface and are called an error, yet decode well: only a
    // header without a size ends here.
    if (status != 0 && (width < 1 || height < 1)) {
        return ci_fail(message, CIFailed, tjGetErrorStr2(handle));
    }
    if (width != shape.width || height != shape.height) {
        return ci_fail(message, CIFailed, "the header's size is given twice and differs");
    }
    // Without the limit a small progressive file of many scans keeps a core busy for hours.
    status = tjDecompress2(
        handle, bytes, (unsigned long)count, pixels, shape.width, shape.width * shape.channels, shape.height,
        pixel_format(shape.channels), TJFLAG_LIMITSCANS);
    if (status == 0) {
        return CIOK;
    }
    return ci_fail(
        message, tjGetErrorCode(handle) == TJERR_WARNING ? CIWarning : CIFailed, tjGetErrorStr2(handle));
}

CIStatus ci_jpeg_decode(
    const uint8_t *bytes, size_t count, CIShape shape, uint8_t *pixels, CIMessage *message) {
    if (pixel_format(shape.channels) < 0) {
        return ci_fail(message, CIFailed, "JPEG with this number of components");
    }
    tjhandle handle = tjInitDecompress();
    if (handle == NULL) {
        return ci_fail(message, CIOutOfMemory, "out of memory");
    }
    CIStatus status = decode_with(handle, bytes, count, shape, pixels, message);
    tjDestroy(handle);
    return status;
}

/// Compresses with an open handle into a buffer of the library, then copies it: the library's allocator is
/// its own business.
static CIStatus encode_with(
    tjhandle handle, const uint8_t *pixels, CIShape shape, int32_t quality, int sampling, CIBuffer *out,
    CIMessage *message) {
    unsigned char *bytes = NULL;
    unsigned long count = 0;
    int failed = tjCompress2(
        handle, pixels, shape.width, shape.width * shape.channels, shape.height, pixel_format(shape.channels),
        &bytes, &count, sampling, quality, TJFLAG_ACCURATEDCT);
    CIStatus status = CIOK;
    if (failed != 0) {
        status = ci_fail(message, CIFailed, tjGetErrorStr2(handle));
    } else if ((out->bytes = malloc(count)) == NULL) {
        status = ci_fail(message, CIOutOfMemory, "out of memory");
    } else {
        memcpy(out->bytes, bytes, count);
        out->count = count;
    }
    tjFree(bytes);
    return status;
}

CIStatus ci_jpeg_encode(
    const uint8_t *pixels, CIShape shape, int32_t quality, _Bool halvedColour, CIBuffer *out,
    CIMessage *message) {
    *out = (CIBuffer){NULL, 0};
    if (shape.channels != 1 && shape.channels != 3) {
        return ci_fail(message, CIFailed, "JPEG takes 1 or 3 channels here");
    }
    tjhandle handle = tjInitCompress();
    if (handle == NULL) {
        return ci_fail(message, CIOutOfMemory, "out of memory");
    }
    int sampling = shape.channels == 1 ? TJSAMP_GRAY : halvedColour ? TJSAMP_420 : TJSAMP_444;
    CIStatus status = encode_with(handle, pixels, shape, quality, sampling, out, message);
    tjDestroy(handle);
    return status;
}
