// libpng reports errors with longjmp. Here it never leaves this file: the two functions that call `setjmp` do
// nothing else but run one body, hold no variable that could be lost, and return whether the body came to its
// end.

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "message.h"

/// What is left of the file while it is read.
typedef struct Source {
    const uint8_t *bytes;
    size_t count;
} Source;

/// What has been written so far; grows by doubling.
typedef struct Sink {
    CIBuffer buffer;
    size_t capacity;
} Sink;

static void on_error(png_structp png, png_const_charp text) {
    ci_fail(png_get_error_ptr(png), CIFailed, text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    Source *source = png_get_io_ptr(png);
    if (count > source->count) {
        png_error(png, "the file ends too early");
    }
    memcpy(out, source->bytes, count);
    source->bytes += count;
    source->count -= count;
}

/// Asks for 8 bits a sample and the wanted number of channels, and refuses a picture of another shape.
static void prepare_reading(png_structp png, png_infop info, CIShape shape) {
    int colour = png_get_color_type(png, info);
    png_set_scale_16(png);
    png_set_expand(png);
    if (shape.channels >= 3 && (colour & PNG_COLOR_MASK_COLOR) == 0) {
        png_set_gray_to_rgb(png);
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_image_width(png, info) != (png_uint_32)shape.width
        || png_get_image_height(png, info) != (png_uint_32)shape.height
        || png_get_rowbytes(png, info) != (size_t)shape.width * (size_t)shape.channels) {
        png_error(png, "the header and the pixels disagree about the shape");
    }
}

/// Reads all pixels and the end of the file.
static void read_picture(png_structp png, png_infop info, CIShape shape, uint8_t *pixels) {
    png_set_user_limits(png, (png_uint_32)shape.width, (png_uint_32)shape.height);
    // Only what the pixels need: profiles and texts, which may unpack to any size, are stepped over.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_chunk_malloc_max(png, 1 << 20);
    png_read_info(png, info);
    prepare_reading(png, info, shape);
    size_t stride = (size_t)shape.width * (size_t)shape.channels;
    int passes = png_get_interlace_type(png, info) == PNG_INTERLACE_ADAM7 ? 7 : 1;
    for (int pass = 0; pass < passes; pass++) {
        for (int32_t row = 0; row < shape.height; row++) {
            png_read_row(png, pixels + (size_t)row * stride, NULL);
        }
    }
    png_read_end(png, NULL);
}

/// Runs `read_picture` above a jump target: false when libpng gave up.
static _Bool could_read(png_structp png, png_infop info, CIShape shape, uint8_t *pixels) {
    if (setjmp(png_jmpbuf(png)) != 0) {
        return 0;
    }
    read_picture(png, info, shape, pixels);
    return 1;
}

CIStatus ci_png_decode(
    const uint8_t *bytes, size_t count, CIShape shape, uint8_t *pixels, CIMessage *message) {
    Source source = {bytes, count};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return ci_fail(message, CIOutOfMemory, "out of memory");
    }
    png_set_read_fn(png, &source, read_bytes);
    CIStatus status = could_read(png, info, shape, pixels) ? CIOK : CIFailed;
    png_destroy_read_struct(&png, &info, NULL);
    return status;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
    Sink *sink = png_get_io_ptr(png);
    size_t needed = sink->buffer.count + count;
    if (needed > sink->capacity) {
        size_t capacity = needed > sink->capacity * 2 ? needed : sink->capacity * 2;
        uint8_t *grown = realloc(sink->buffer.bytes, capacity);
        if (grown == NULL) {
            png_error(png, "out of memory");
        }
        sink->buffer.bytes = grown;
        sink->capacity = capacity;
    }
    memcpy(sink->buffer.bytes + sink->buffer.count, bytes, count);
    sink->buffer.count = needed;
}

static void flush_nothing(png_structp png) {
    (void)png;
}

/// Writes the whole file.
static void write_picture(
    png_structp png, png_infop info, CIShape shape, int32_t level, const uint8_t *pixels) {
    static const int colours[] = {0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(
        png, info, (png_uint_32)shape.width, (png_uint_32)shape.height, 8, colours[shape.channels],
        PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, level);
    if (level == 1) {
        // Painted and photographed pixels hardly ever repeat a string: runs and Huffman codes over one fixed
        // filter are faster than zlib's own level 1 and make smaller files than its level 4.
        png_set_compression_strategy(png, Z_RLE);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_PAETH);
    }
    png_write_info(png, info);
    size_t stride = (size_t)shape.width * (size_t)shape.channels;
    for (int32_t row = 0; row < shape.height; row++) {
        png_write_row(png, pixels + (size_t)row * stride);
    }
    png_write_end(png, NULL);
}

/// Runs `write_picture` above a jump target: false when libpng gave up.
static _Bool could_write(
    png_structp png, png_infop info, CIShape shape, int32_t level, const uint8_t *pixels) {
    if (setjmp(png_jmpbuf(png)) != 0) {
        return 0;
    }
    write_picture(png, info, shape, level, pixels);
    return 1;
}

CIStatus ci_png_encode(
    const uint8_t *pixels, CIShape shape, int32_t level, CIBuffer *out, CIMessage *message) {
    Sink sink = {{NULL, 0}, 0};
    *out = sink.buffer;
    if (shape.channels != 1 && shape.channels != 3 && shape.channels != 4) {
        return ci_fail(message, CIFailed, "PNG takes 1, 3 or 4 channels here");
    }
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL) {
        png_destroy_write_struct(&png, NULL);
        return ci_fail(message, CIOutOfMemory, "out of memory");
    }
    png_set_write_fn(png, &sink, write_bytes, flush_nothing);
    CIStatus status = could_write(png, info, shape, level, pixels) ? CIOK : CIFailed;
    png_destroy_write_struct(&png, &info);
    if (status == CIOK) {
        *out = sink.buffer;
    } else {
        ci_free(&sink.buffer);
    }
    return status;
}
