// Files built into the program, so that a single-file checkpoint works with nothing beside it.
//
// Each resource is read-only, lives as long as the process and is aligned to 8 bytes. The CLIP merges come from OpenAI's
// CLIP under the MIT licence: Documentation/licenses/clip-vocabulary.txt, also the resource "licenses/clip-vocabulary.txt".

#ifndef GESSO_RESOURCES_H
#define GESSO_RESOURCES_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The bytes of the resource called `name` and how many there are; a null pointer and 0 when there is none.
///
/// Names are `clip/merges`, `text/unicode`, `licenses/...` and, for the configurations of a model family, the family and
/// the file's place in a diffusers folder: `sdxl/model_index.json`, `sdxl/unet/config.json`.
const uint8_t *_Nullable gesso_resource(const char *name, size_t *count);

/// The name of resource number `index` (from 0), or a null pointer past the last one.
const char *_Nullable gesso_resource_name(size_t index);

/// CLIP's 48,894 merges in order: for each the ids of its two parts, as little-endian 16-bit numbers.
const uint8_t *gesso_clip_merges(size_t *count);

/// What text cleaning needs to know about each code point; Scripts/embed/unicode_text.py describes the layout.
const uint8_t *gesso_unicode_text(size_t *count);

#pragma clang assume_nonnull end

#endif
