#include "CTorch.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The ABI's own names, so that the rows of Functions.def read like libtorch's headers.
typedef CTTensor AtenTensorHandle;
typedef uint64_t StableIValue;
typedef struct StableListOpaque *StableListHandle;
typedef struct StringOpaque *StringHandle;

// MARK: - The table

static struct {
#define CT_FUNCTION(need, name, result, parameters) result(*name) parameters;
#include "Functions.def"
#undef CT_FUNCTION
} torch;

static void *library;
// The text of why a loaded library could not be used; empty while none is.
static char unusable[2048];
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static int32_t dtype_codes[CT_DTYPE_COUNT];
static uint64_t call_version;

// The argument lists in Torch were written for 2.13. The dispatcher adapts older callers when a schema changes, but
// can't know the future, so an older library is told its own version.
#define WRITTEN_FOR 0x020d000000000000ULL
#define OLDEST 0x020b000000000000ULL

static _Thread_local char message[2048];
static _Thread_local bool prepared;
static atomic_int_fast64_t live, calls, countdown;

static int32_t fail(const char *text) {
    snprintf(message, sizeof message, "%s", text);
    return 1;
}

const char *ct_last_message(void) { return message; }

static bool resolve(const char *path) {
    char missing[1024] = "";
#define required 1
#define optional 0
#define CT_FUNCTION(need, name, result, parameters)                                                  \
    torch.name = (result(*) parameters)dlsym(library, #name);                                        \
    if (need && !torch.name && strlen(missing) + sizeof #name + 2 < sizeof missing) {                \
        if (*missing) strcat(missing, ", ");                                                         \
        strcat(missing, #name);                                                                      \
    }
#include "Functions.def"
#undef CT_FUNCTION
#undef required
#undef optional
    uint64_t version = torch.aoti_torch_abi_version ? torch.aoti_torch_abi_version() : 0;
    unsigned major = (unsigned)(version >> 56), minor = (unsigned)(version >> 48 & 0xff);
    if (version < OLDEST) {
        snprintf(
            message, sizeof message, "%s is libtorch %u.%u; Gesso needs 2.11 or newer", path, major, minor);
        return false;
    }
    if (*missing) {
        snprintf(message, sizeof message, "%s (libtorch %u.%u) lacks %s", path, major, minor, missing);
        return false;
    }
    call_version = version < WRITTEN_FOR ? version : WRITTEN_FOR;
    const int32_t codes[CT_DTYPE_COUNT] = {
        [CT_FLOAT64] = torch.aoti_torch_dtype_float64(),
        [CT_FLOAT32] = torch.aoti_torch_dtype_float32(),
        [CT_FLOAT16] = torch.aoti_torch_dtype_float16(),
        [CT_BFLOAT16] = torch.aoti_torch_dtype_bfloat16(),
        [CT_FLOAT8_E4M3] = torch.aoti_torch_dtype_float8_e4m3fn(),
        [CT_FLOAT8_E5M2] = torch.aoti_torch_dtype_float8_e5m2(),
        [CT_INT64] = torch.aoti_torch_dtype_int64(),
        [CT_INT32] = torch.aoti_torch_dtype_int32(),
        [CT_INT8] = torch.aoti_torch_dtype_int8(),
        [CT_UINT8] = torch.aoti_torch_dtype_uint8(),
        [CT_BOOL] = torch.aoti_torch_dtype_bool(),
    };
    memcpy(dtype_codes, codes, sizeof codes);
    return true;
}

int32_t ct_open(const char *path) {
    pthread_mutex_lock(&opening);
    int32_t status = CT_OPENED;
    if (*unusable) {
        fail(unusable);
        status = CT_UNUSABLE;
    } else if (!library) {
        // Global, because CUDA builds look their plug-ins up by name later.
        library = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
        if (!library) {
            fail(dlerror());
            status = CT_NOT_OPENED;
        } else if (!resolve(path)) {
            // Not closed: libtorch's threads and registries do not survive that. Not followed by another either: two
            // libtorches in one process find each other's functions.
            library = NULL;
            memcpy(unusable, message, sizeof unusable);
            status = CT_UNUSABLE;
        }
    }
    pthread_mutex_unlock(&opening);
    return status;
}

uint64_t ct_abi_version(void) { return library ? torch.aoti_torch_abi_version() : 0; }

bool ct_has_cuda_functions(void) { return torch.aoti_torch_cuda_add_Tensor && torch.aoti_torch_cuda_mul_Scalar; }

void *ct_symbol(const char *name) { return library ? dlsym(library, name) : NULL; }

// MARK: - The funnel

int64_t ct_live_tensors(void) { return atomic_load(&live); }
int64_t ct_calls(void) { return atomic_load(&calls); }
void ct_fail_call(int64_t n) { atomic_store(&countdown, n); }

/// Every call passes here first: counts it, refuses unprepared threads, and fails it when a test asked for that.
static int32_t enter(void) {
    if (!library) return fail("libtorch is not open");
    if (!prepared) return fail("libtorch was called from a thread that is not a device thread");
    atomic_fetch_add(&calls, 1);
    if (atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1) return fail("injected fault");
    return 0;
}

/// Turns libtorch's status into ours and copies its text before anything else can fail on this thread.
static int32_t check(int32_t status) {
    if (status == 0) return 0;
    const char *text = torch.torch_exception_get_what_without_backtrace
        ? torch.torch_exception_get_what_without_backtrace()
        : NULL;
    return fail(text && *text ? text : "libtorch refused the call (its own text needs libtorch 2.13 or newer)");
}

/// `check` for calls that return a new reference.
static int32_t made(int32_t status) {
    status = check(status);
    if (status == 0) atomic_fetch_add(&live, 1);
    return status;
}

int32_t ct_prepare_thread(void) {
    if (!library) return fail("libtorch is not open");
    torch.aoti_torch_grad_mode_set_enabled(false);
    prepared = true;
    return 0;
}

int32_t ct_thread_count(uint32_t *count) { return enter() || check(torch.torch_get_num_threads(count)); }

// MARK: - Tensors

static int32_t device_code(int32_t device) {
    switch (device) {
    case CT_CUDA: return torch.aoti_torch_device_type_cuda();
    case CT_META: return torch.aoti_torch_device_type_meta();
    default: return torch.aoti_torch_device_type_cpu();
    }
}

static void contiguous_strides(const int64_t *sizes, int64_t rank, int64_t *strides) {
    int64_t step = 1;
    for (int64_t axis = rank - 1; axis >= 0; axis--) {
        strides[axis] = step;
        step *= sizes[axis] > 1 ? sizes[axis] : 1;
    }
}

#define MAX_RANK 16

int32_t ct_empty(
    const int64_t *sizes, int64_t rank, int32_t dtype, int32_t device, int32_t index, CTTensor *out) {
    int64_t strides[MAX_RANK];
    if (enter()) return 1;
    if (rank > MAX_RANK) return fail("more than 16 axes");
    contiguous_strides(sizes, rank, strides);
    return made(torch.aoti_torch_empty_strided(
        rank, sizes, strides, dtype_codes[dtype], device_code(device), index, out));
}

int32_t ct_from_blob(
    void *data, const int64_t *sizes, int64_t rank, int32_t dtype, void (*release)(void *, void *), void *context,
    CTTensor *out) {
    int64_t strides[MAX_RANK];
    if (enter()) return 1;
    if (rank > MAX_RANK) return fail("more than 16 axes");
    contiguous_strides(sizes, rank, strides);
    // The CPU's device index is -1 here; 0 is refused.
    return made(torch.torch_from_blob(
        data, rank, sizes, strides, 0, dtype_codes[dtype], torch.aoti_torch_device_type_cpu(), -1, out,
        torch.aoti_torch_layout_strided(), NULL, 0, release, context));
}

void ct_delete_tensor(CTTensor tensor) {
    torch.aoti_torch_delete_tensor_object(tensor);
    atomic_fetch_sub(&live, 1);
}

int32_t ct_copy(CTTensor destination, CTTensor source) {
    return enter() || check(torch.aoti_torch_copy_(destination, source, 0));
}

int32_t ct_rank(CTTensor tensor, int64_t *rank) { return check(torch.aoti_torch_get_dim(tensor, rank)); }

int32_t ct_sizes(CTTensor tensor, const int64_t **sizes) {
    return check(torch.aoti_torch_get_sizes(tensor, (int64_t **)sizes));
}

int32_t ct_dtype(CTTensor tensor, int32_t *dtype) {
    int32_t code = 0;
    if (check(torch.aoti_torch_get_dtype(tensor, &code))) return 1;
    for (int32_t known = 0; known < CT_DTYPE_COUNT; known++) {
        if (dtype_codes[known] == code) {
            *dtype = known;
            return 0;
        }
    }
    return fail("an element type that Gesso does not use");
}

int32_t ct_device(CTTensor tensor, int32_t *device, int32_t *index) {
    int32_t type = 0;
    if (check(torch.aoti_torch_get_device_type(tensor, &type))) return 1;
    *device = type == torch.aoti_torch_device_type_cuda()   ? CT_CUDA
              : type == torch.aoti_torch_device_type_meta() ? CT_META
                                                            : CT_CPU;
    return check(torch.aoti_torch_get_device_index(tensor, index));
}

int32_t ct_is_contiguous(CTTensor tensor, bool *contiguous) {
    return check(torch.aoti_torch_is_contiguous(tensor, contiguous));
}

int32_t ct_data(CTTensor tensor, void **data) { return check(torch.aoti_torch_get_data_ptr(tensor, data)); }

// MARK: - Operators

static bool on_cuda(CTTensor tensor) {
    int32_t type = 0;
    return torch.aoti_torch_get_device_type(tensor, &type) == 0 && type == torch.aoti_torch_device_type_cuda();
}

int32_t ct_add(CTTensor a, CTTensor b, double alpha, CTTensor *out) {
    if (enter()) return 1;
    if (!on_cuda(a)) return made(torch.aoti_torch_cpu_add_Tensor(a, b, alpha, out));
    if (!torch.aoti_torch_cuda_add_Tensor) return fail("this libtorch has no CUDA functions");
    return made(torch.aoti_torch_cuda_add_Tensor(a, b, alpha, out));
}

int32_t ct_scale(CTTensor a, double factor, CTTensor *out) {
    if (enter()) return 1;
    if (!on_cuda(a)) return made(torch.aoti_torch_cpu_mul_Scalar(a, factor, out));
    if (!torch.aoti_torch_cuda_mul_Scalar) return fail("this libtorch has no CUDA functions");
    return made(torch.aoti_torch_cuda_mul_Scalar(a, factor, out));
}

// The dispatcher consumes every handle it is given, so each argument is a reference or an object of its own.

static StableIValue from_double(double value) {
    StableIValue bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static int32_t duplicate(CTTensor tensor, StableIValue *value) {
    CTTensor copy = NULL;
    if (check(torch.aoti_torch_new_tensor_handle(tensor, &copy))) return 1;
    *value = (StableIValue)copy;
    return 0;
}

/// An optional's value travels in a box on the heap, which the callee frees.
static int32_t box(StableIValue inner, StableIValue *value) {
    StableIValue *boxed = NULL;
    if (torch.torch_new_stable_ivalue) {
        if (check(torch.torch_new_stable_ivalue(&boxed))) return 1;
    } else {
        // Before 2.13 the callee deletes it with C++'s operator, which on Linux is free().
        boxed = malloc(sizeof *boxed);
        if (!boxed) return fail("out of memory");
    }
    *boxed = inner;
    *value = (StableIValue)boxed;
    return 0;
}

static void unbox(StableIValue value) {
    if (torch.torch_delete_stable_ivalue) torch.torch_delete_stable_ivalue((StableIValue *)value);
    else free((void *)value);
}

static int32_t integers(const CTArgument *argument, StableIValue *value) {
    StableListHandle list = NULL;
    if (check(torch.torch_new_list_reserve_size(argument->count, &list))) return 1;
    for (size_t i = 0; i < argument->count; i++) {
        if (check(torch.torch_list_push_back(list, (StableIValue)((const int64_t *)argument->pointer)[i]))) {
            torch.torch_delete_list(list);
            return 1;
        }
    }
    *value = (StableIValue)list;
    return 0;
}

static int32_t tensors(const CTArgument *argument, StableIValue *value) {
    StableListHandle list = NULL;
    if (check(torch.torch_new_list_reserve_size(argument->count, &list))) return 1;
    for (size_t i = 0; i < argument->count; i++) {
        StableIValue element;
        if (duplicate(((CTTensor const *)argument->pointer)[i], &element)) {
            torch.torch_delete_list(list);
            return 1;
        }
        if (check(torch.torch_list_push_back(list, element))) {
            torch.aoti_torch_delete_tensor_object((CTTensor)element);
            torch.torch_delete_list(list);
            return 1;
        }
    }
    *value = (StableIValue)list;
    return 0;
}

static int32_t convert(const CTArgument *argument, StableIValue *value) {
    StableIValue inner;
    StringHandle string = NULL;
    switch (argument->kind) {
    case CT_ARG_NONE: *value = 0; return 0;
    case CT_ARG_TENSOR: return duplicate((CTTensor)argument->pointer, value);
    case CT_ARG_SOME_TENSOR:
        if (duplicate((CTTensor)argument->pointer, &inner)) return 1;
        if (box(inner, value)) {
            torch.aoti_torch_delete_tensor_object((CTTensor)inner);
            return 1;
        }
        return 0;
    case CT_ARG_TENSORS: return tensors(argument, value);
    case CT_ARG_INT:
    case CT_ARG_BOOL: *value = (StableIValue)argument->integer; return 0;
    case CT_ARG_SOME_INT: return box((StableIValue)argument->integer, value);
    case CT_ARG_DOUBLE: *value = from_double(argument->number); return 0;
    case CT_ARG_SOME_DOUBLE: return box(from_double(argument->number), value);
    case CT_ARG_INTS: return integers(argument, value);
    case CT_ARG_SOME_INTS:
        if (integers(argument, &inner)) return 1;
        if (box(inner, value)) {
            torch.torch_delete_list((StableListHandle)inner);
            return 1;
        }
        return 0;
    case CT_ARG_DTYPE: *value = (StableIValue)(uint32_t)dtype_codes[argument->integer]; return 0;
    case CT_ARG_MEMORY_FORMAT:
        *value = (StableIValue)(uint32_t)(
            argument->integer ? torch.aoti_torch_memory_format_channels_last()
                              : torch.aoti_torch_memory_format_contiguous_format());
        return 0;
    case CT_ARG_STRING:
        if (check(torch.torch_new_string_handle(argument->pointer, argument->count, &string))) return 1;
        *value = (StableIValue)string;
        return 0;
    default: return fail("an argument kind that CTorch does not know");
    }
}

/// Gives back an argument that the dispatcher never saw.
static void discard(const CTArgument *argument, StableIValue value) {
    switch (argument->kind) {
    case CT_ARG_TENSOR: torch.aoti_torch_delete_tensor_object((CTTensor)value); break;
    case CT_ARG_SOME_TENSOR:
        torch.aoti_torch_delete_tensor_object((CTTensor) * (StableIValue *)value);
        unbox(value);
        break;
    case CT_ARG_TENSORS:
    case CT_ARG_INTS: torch.torch_delete_list((StableListHandle)value); break;
    case CT_ARG_SOME_INTS:
        torch.torch_delete_list((StableListHandle) * (StableIValue *)value);
        unbox(value);
        break;
    case CT_ARG_SOME_INT:
    case CT_ARG_SOME_DOUBLE: unbox(value); break;
    case CT_ARG_STRING: torch.torch_delete_string((StringHandle)value); break;
    default: break;
    }
}

#define MAX_ARGUMENTS 16

int32_t ct_call(
    const char *name, const char *overload, const CTArgument *arguments, int32_t argument_count, CTTensor *out,
    int32_t out_count) {
    StableIValue stack[MAX_ARGUMENTS] = {0};
    if (enter()) return 1;
    if (argument_count > MAX_ARGUMENTS || out_count > MAX_ARGUMENTS) return fail("too many arguments");
    for (int32_t i = 0; i < argument_count; i++) {
        if (convert(&arguments[i], &stack[i])) {
            for (int32_t j = 0; j < i; j++) discard(&arguments[j], stack[j]);
            return 1;
        }
    }
    if (check(torch.torch_call_dispatcher(name, overload, stack, call_version))) return 1;
    for (int32_t i = 0; i < out_count; i++) out[i] = (CTTensor)stack[i];
    atomic_fetch_add(&live, out_count);
    return 0;
}

void ct_limit_heaps(int32_t count) {
    mallopt(M_ARENA_MAX, count);
}

void ct_trim_heaps(void) {
    malloc_trim(0);
}
