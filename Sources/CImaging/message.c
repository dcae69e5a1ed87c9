#include "message.h"

#include <stdlib.h>

CIStatus ci_fail(CIMessage *message, CIStatus status, const char *text) {
    if (text == NULL) {
        text = "unknown error";
    }
    size_t used = 0;
    while (used + 1 < sizeof message->text && text[used] != '\0' && text[used] != '\n') {
        message->text[used] = text[used];
        used++;
    }
    message->text[used] = '\0';
    return status;
}

void ci_free(CIBuffer *buffer) {
    free(buffer->bytes);
    buffer->bytes = NULL;
    buffer->count = 0;
}
