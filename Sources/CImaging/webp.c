#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/encode.h>

#include "message.h"

/// The decoder's status in words.
static const char *decoder_text(VP8StatusCode status) {
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return "out of memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "unsupported feature";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return "the file ends too early";
    default:
        return "the bitstream is damaged";
    }
}

static CIStatus decoder_failure(CIMessage *message, VP8StatusCode status) {
    CIStatus kind = status == VP8_STATUS_OUT_OF_MEMORY ? CIOutOfMemory : CIFailed;
    return ci_fail(message, kind, decoder_text(status));
}

CIStatus ci_webp_header(
    const uint8_t *bytes, size_t count, CIShape *shape, _Bool *animated, CIMessage *message) {
    WebPBitstreamFeatures features;
    VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
    if (status != VP8_STATUS_OK) {
        return decoder_failure(message, status);
    }
    *shape = (CIShape){features.width, features.height, features.has_alpha ? 4 : 3};
    *animated = features.has_animation != 0;
    return CIOK;
}

CIStatus ci_webp_decode(
    const uint8_t *bytes, size_t count, CIShape shape, uint8_t *pixels, CIMessage *message) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        return ci_fail(message, CIFailed, "the library does not fit the header it was built with");
    }
    VP8StatusCode status = WebPGetFeatures(bytes, count, &config.input);
    if (status != VP8_STATUS_OK) {
        return decoder_failure(message, status);
    }
    if (config.input.width != shape.width || config.input.height != shape.height) {
        return ci_fail(message, CIFailed, "the header and the pixels disagree about the size");
    }
    config.output.colorspace = shape.channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels;
    config.output.u.RGBA.stride = shape.width * shape.channels;
    config.output.u.RGBA.size = (size_t)config.output.u.RGBA.stride * (size_t)shape.height;
    status = WebPDecode(bytes, count, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK ? CIOK : decoder_failure(message, status);
}

/// The encoder's error in words.
static const char *encoder_text(WebPEncodingError error) {
    switch (error) {
    case VP8_ENC_ERROR_OUT_OF_MEMORY:
    case VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY:
        return "out of memory";
    case VP8_ENC_ERROR_BAD_DIMENSION:
        return "WebP is at most 16383 pixels wide and high";
    case VP8_ENC_ERROR_PARTITION0_OVERFLOW:
    case VP8_ENC_ERROR_PARTITION_OVERFLOW:
    case VP8_ENC_ERROR_FILE_TOO_BIG:
        return "the picture is too large for WebP at this quality";
    default:
        return "the encoder refused its options";
    }
}

/// Imports the pixels into an initialised `picture` and runs the encoder.
static CIStatus encode_with(
    WebPPicture *picture, const WebPConfig *config, const uint8_t *pixels, CIShape shape, CIMessage *message) {
    picture->use_argb = config->lossless;
    picture->width = shape.width;
    picture->height = shape.height;
    int stride = shape.width * shape.channels;
    int imported = shape.channels == 4 ? WebPPictureImportRGBA(picture, pixels, stride)
                                       : WebPPictureImportRGB(picture, pixels, stride);
    if (imported && WebPEncode(config, picture)) {
        return CIOK;
    }
    return ci_fail(message, CIFailed, encoder_text(picture->error_code));
}

CIStatus ci_webp_encode(
    const uint8_t *pixels, CIShape shape, int32_t quality, _Bool lossless, CIBuffer *out, CIMessage *message) {
    *out = (CIBuffer){NULL, 0};
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) {
        return ci_fail(message, CIFailed, "the library does not fit the header it was built with");
    }
    if (shape.channels != 3 && shape.channels != 4) {
        return ci_fail(message, CIFailed, "WebP takes 3 or 4 channels here");
    }
    config.quality = (float)quality;
    if (lossless) {
        WebPConfigLosslessPreset(&config, 2);
        // Colours under full transparency are part of what "lossless" promises.
        config.exact = 1;
    }
    WebPMemoryWriter writer;
    WebPMemoryWriterInit(&writer);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    CIStatus status = encode_with(&picture, &config, pixels, shape, message);
    WebPPictureFree(&picture);
    if (status == CIOK && (out->bytes = malloc(writer.size)) == NULL) {
        status = ci_fail(message, CIOutOfMemory, "out of memory");
    } else if (status == CIOK) {
        memcpy(out->bytes, writer.mem, writer.size);
        out->count = writer.size;
    }
    WebPMemoryWriterClear(&writer);
    return status;
}
