// The only door to libtorch: its stable C ABI (2.11 or newer), opened at run time.
//
// Functions return 0 when they succeed; after any other value `ct_last_message` says why. A call from a thread
// that has not been through `ct_prepare_thread` is refused, because libtorch keeps grad mode by thread.

#ifndef GESSO_CTORCH_H
#define GESSO_CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// One reference on a libtorch tensor.
typedef struct CTTensorObject *CTTensor;

// MARK: - The library

/// What `ct_open` returns: after `CT_NOT_OPENED` nothing was loaded and another path may be tried; after `CT_UNUSABLE`
/// a library is in the process that lacks what is needed, and no other may join it.
enum { CT_OPENED = 0, CT_NOT_OPENED = 1, CT_UNUSABLE = 2 };

/// Opens the library at `path` and resolves every function at once. Safe to call again: an open library stays, and
/// `path` is then not looked at; so does the refusal after `CT_UNUSABLE`.
int32_t ct_open(const char *path);
/// The version of the opened library's stable ABI: major in the top byte, minor in the next.
uint64_t ct_abi_version(void);
/// Whether the opened library has the functions of CUDA builds.
bool ct_has_cuda_functions(void);
/// The address of any function that the opened library or its dependencies export, or null.
void *_Nullable ct_symbol(const char *name);
/// The calling thread's newest failure text; borrowed until the next failure on this thread.
const char *ct_last_message(void);

/// Makes the calling thread one that may compute: switches gradients off there.
int32_t ct_prepare_thread(void);
int32_t ct_thread_count(uint32_t *count);

// MARK: - The process's memory

/// Lets the C library keep freed memory in at most `count` heaps: one for each thread, its own habit, holds pieces of every
/// model that ever was in all of them. To be called before threads are made.
void ct_limit_heaps(int32_t count);

/// Gives freed memory that the C library still holds back to the system.
void ct_trim_heaps(void);

// MARK: - Counters and faults, for tests and reports

/// Tensors created and not yet deleted.
int64_t ct_live_tensors(void);
/// Calls that went through the funnel since the process started.
int64_t ct_calls(void);
/// Makes the `n`th funnel call from now fail before it reaches libtorch; 0 switches that off.
void ct_fail_call(int64_t n);

// MARK: - Element types and devices, in our own numbering

enum {
    CT_FLOAT64, CT_FLOAT32, CT_FLOAT16, CT_BFLOAT16, CT_FLOAT8_E4M3, CT_FLOAT8_E5M2,
    CT_INT64, CT_INT32, CT_INT8, CT_UINT8, CT_BOOL, CT_DTYPE_COUNT
};
/// The meta device holds shapes and types without numbers: a dry run costs nothing there.
enum { CT_CPU = 0, CT_CUDA = 1, CT_META = 2 };

// MARK: - Tensors

/// Allocates a contiguous tensor without setting its elements.
int32_t ct_empty(
    const int64_t *sizes, int64_t rank, int32_t dtype, int32_t device, int32_t index, CTTensor _Nullable *_Nonnull out);
/// Wraps memory of the caller as a contiguous CPU tensor. `release` runs once, with `context`, when libtorch lets go.
int32_t ct_from_blob(
    void *data, const int64_t *sizes, int64_t rank, int32_t dtype,
    void (*release)(void *_Nullable data, void *_Nullable context), void *_Nullable context,
    CTTensor _Nullable *_Nonnull out);
void ct_delete_tensor(CTTensor tensor);
/// Copies `source` into `destination`, across devices and element types.
int32_t ct_copy(CTTensor destination, CTTensor source);
int32_t ct_rank(CTTensor tensor, int64_t *rank);
/// Borrowed from the tensor.
int32_t ct_sizes(CTTensor tensor, const int64_t *_Nullable *_Nonnull sizes);
int32_t ct_dtype(CTTensor tensor, int32_t *dtype);
int32_t ct_device(CTTensor tensor, int32_t *device, int32_t *index);
int32_t ct_is_contiguous(CTTensor tensor, bool *contiguous);
/// Borrowed from the tensor; on a CUDA tensor an address of the device.
int32_t ct_data(CTTensor tensor, void *_Nullable *_Nonnull data);

// MARK: - Operators

/// `a + alpha * b`
int32_t ct_add(CTTensor a, CTTensor b, double alpha, CTTensor _Nullable *_Nonnull out);
/// `a * factor`
int32_t ct_scale(CTTensor a, double factor, CTTensor _Nullable *_Nonnull out);

enum {
    CT_ARG_NONE,           // an optional without a value
    CT_ARG_TENSOR,         // pointer: a CTTensor
    CT_ARG_SOME_TENSOR,    // the same, for an optional parameter
    CT_ARG_TENSORS,        // pointer: count CTTensors
    CT_ARG_INT,            // integer
    CT_ARG_SOME_INT,
    CT_ARG_DOUBLE,         // number
    CT_ARG_SOME_DOUBLE,
    CT_ARG_BOOL,           // integer
    CT_ARG_INTS,           // pointer: count int64
    CT_ARG_SOME_INTS,
    CT_ARG_DTYPE,          // integer: CT_FLOAT32 ...
    CT_ARG_MEMORY_FORMAT,  // integer: 0 contiguous, 1 channels last
    CT_ARG_STRING,         // pointer: count bytes
};

/// One argument of an operator, as its schema lists it. The callee never keeps `pointer`.
typedef struct {
    int32_t kind;
    int64_t integer;
    double number;
    const void *_Nullable pointer;
    size_t count;
} CTArgument;

/// Calls an operator by name with its complete argument list; fills `out_count` tensors.
int32_t ct_call(
    const char *name, const char *overload, const CTArgument *arguments, int32_t argument_count,
    CTTensor _Nullable *_Nonnull out, int32_t out_count);

#pragma clang assume_nonnull end

#endif
