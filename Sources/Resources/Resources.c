#include "Resources.h"

#include <string.h>

#define RESOURCE alignas(8) static const uint8_t

RESOURCE clip_merges[] = {
#embed "Vocabularies/clip-merges.bin"
};
RESOURCE unicode_text[] = {
#embed "Text/unicode.bin"
};
RESOURCE clip_license[] = {
#embed "../../Documentation/licenses/clip-vocabulary.txt"
};
RESOURCE unicode_license[] = {
#embed "../../Documentation/licenses/unicode.txt"
};
RESOURCE sdxl_model_index[] = {
#embed "Configurations/sdxl/model_index.json"
};
RESOURCE sdxl_text_encoder[] = {
#embed "Configurations/sdxl/text_encoder/config.json"
};
RESOURCE sdxl_text_encoder_2[] = {
#embed "Configurations/sdxl/text_encoder_2/config.json"
};
RESOURCE sdxl_unet[] = {
#embed "Configurations/sdxl/unet/config.json"
};
RESOURCE sdxl_vae[] = {
#embed "Configurations/sdxl/vae/config.json"
};
RESOURCE sdxl_scheduler[] = {
#embed "Configurations/sdxl/scheduler/scheduler_config.json"
};
RESOURCE flux_dev_transformer[] = {
#embed "Configurations/flux-dev/transformer/config.json"
};
RESOURCE flux_dev_scheduler[] = {
#embed "Configurations/flux-dev/scheduler/scheduler_config.json"
};
RESOURCE flux_dev_text_encoder[] = {
#embed "Configurations/flux-dev/text_encoder/config.json"
};
RESOURCE flux_dev_text_encoder_2[] = {
#embed "Configurations/flux-dev/text_encoder_2/config.json"
};
RESOURCE flux_dev_vae[] = {
#embed "Configurations/flux-dev/vae/config.json"
};
RESOURCE flux_schnell_transformer[] = {
#embed "Configurations/flux-schnell/transformer/config.json"
};
RESOURCE flux_schnell_scheduler[] = {
#embed "Configurations/flux-schnell/scheduler/scheduler_config.json"
};

static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t count;
} resources[] = {
    {"clip/merges", clip_merges, sizeof clip_merges},
    {"text/unicode", unicode_text, sizeof unicode_text},
    {"licenses/clip-vocabulary.txt", clip_license, sizeof clip_license},
    {"licenses/unicode.txt", unicode_license, sizeof unicode_license},
    {"sdxl/model_index.json", sdxl_model_index, sizeof sdxl_model_index},
    {"sdxl/text_encoder/config.json", sdxl_text_encoder, sizeof sdxl_text_encoder},
    {"sdxl/text_encoder_2/config.json", sdxl_text_encoder_2, sizeof sdxl_text_encoder_2},
    {"sdxl/unet/config.json", sdxl_unet, sizeof sdxl_unet},
    {"sdxl/vae/config.json", sdxl_vae, sizeof sdxl_vae},
    {"sdxl/scheduler/scheduler_config.json", sdxl_scheduler, sizeof sdxl_scheduler},
    {"flux-dev/transformer/config.json", flux_dev_transformer, sizeof flux_dev_transformer},
    {"flux-dev/scheduler/scheduler_config.json", flux_dev_scheduler, sizeof flux_dev_scheduler},
    {"flux-dev/text_encoder/config.json", flux_dev_text_encoder, sizeof flux_dev_text_encoder},
    {"flux-dev/text_encoder_2/config.json", flux_dev_text_encoder_2, sizeof flux_dev_text_encoder_2},
    {"flux-dev/vae/config.json", flux_dev_vae, sizeof flux_dev_vae},
    {"flux-schnell/transformer/config.json", flux_schnell_transformer, sizeof flux_schnell_transformer},
    {"flux-schnell/scheduler/scheduler_config.json", flux_schnell_scheduler, sizeof flux_schnell_scheduler},
};

const uint8_t *gesso_resource(const char *name, size_t *count) {
    for (size_t index = 0; index < sizeof resources / sizeof resources[0]; index++) {
        if (strcmp(resources[index].name, name) == 0) {
            *count = resources[index].count;
            return resources[index].bytes;
        }
    }
    *count = 0;
    return NULL;
}

const char *gesso_resource_name(size_t index) {
    return index < sizeof resources / sizeof resources[0] ? resources[index].name : NULL;
}

const uint8_t *gesso_clip_merges(size_t *count) {
    *count = sizeof clip_merges;
    return clip_merges;
}

const uint8_t *gesso_unicode_text(size_t *count) {
    *count = sizeof unicode_text;
    return unicode_text;
}
