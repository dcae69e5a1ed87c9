// How the functions of this target report failures; not part of the interface.
#ifndef GESSO_CIMAGING_MESSAGE_H
#define GESSO_CIMAGING_MESSAGE_H

#include "CImaging.h"

/// Writes `text` (NULL is "unknown error") into the message, keeping its first line only, and returns `status`.
CIStatus ci_fail(CIMessage *_Nonnull message, CIStatus status, const char *_Nullable text);

#endif
