"""What the header comparison must read, let pass and find."""

import unittest

import declarations

HEADER = """
// using NotAnAlias = int;
using AtenTensorHandle = AtenTensorOpaque*;
using AOTITorchError = int32_t;
typedef void (*ParallelFunc)(int64_t begin, int64_t end, void* ctx);
AOTI_TORCH_EXPORT int32_t torch_cpu();
AOTI_TORCH_EXPORT AOTITorchError
torch_copy(
    AtenTensorHandle self, /* kept */
    const int64_t* sizes, // borrowed
    AtenTensorHandle* ret);
#if TORCH_FEATURE_VERSION >= TORCH_VERSION_2_13_0
AOTI_TORCH_EXPORT const char* torch_what();
#endif // TORCH_FEATURE_VERSION >= TORCH_VERSION_2_13_0
#ifdef USE_CUDA
AOTI_TORCH_EXPORT AOTITorchError torch_stream(void* stream);
#endif
AOTI_TORCH_EXPORT AOTITorchError torch_blob(void* data, void (*deleter)(void* data, void* ctx), double alpha);
AOTI_TORCH_EXPORT AOTITorchError torch_parallel(ParallelFunc func, void* ctx);
"""


class Declarations(unittest.TestCase):
    def sentences(self, row):
        """What is found wrong with one row, beside the header above."""
        types = declarations.Types()
        headers = {function.name: function for function in declarations.read_header(HEADER, types)}
        (function,) = declarations.read_rows(row, types)
        return declarations.differences(function, headers, oldest=(2, 11))

    def agrees(self, row):
        self.assertEqual(self.sentences(row), [])

    def test_rows_that_say_the_same_agree(self):
        self.agrees("CT_FUNCTION(required, torch_cpu, int32_t, (void))")
        self.agrees(
            "CT_FUNCTION(required, torch_copy, int32_t, (AtenTensorHandle self, const int64_t *sizes,\n"
            "    AtenTensorHandle *ret))"
        )
        self.agrees("CT_FUNCTION(optional, torch_what, const char*, ())")
        self.agrees("CT_FUNCTION(optional, torch_stream, AOTITorchError, (void* stream))")

    def test_function_pointers_are_compared_by_their_types(self):
        self.agrees(
            "CT_FUNCTION(required, torch_blob, int32_t, (void* data, void (*deleter)(void*, void*), double alpha))"
        )
        self.agrees(
            "CT_FUNCTION(required, torch_parallel, int32_t, "
            "(void (*func)(int64_t begin, int64_t end, void* ctx), void* ctx))"
        )
        self.assertEqual(
            len(
                self.sentences(
                    "CT_FUNCTION(required, torch_blob, int32_t, "
                    "(void* data, void (*deleter)(void* data), double alpha))"
                )
            ),
            1,
        )

    def test_a_function_that_no_header_has_is_found(self):
        self.assertEqual(
            self.sentences("CT_FUNCTION(optional, torch_gone, void, (void))"), ["is in no header"]
        )

    def test_another_result_type_is_found(self):
        self.assertEqual(
            self.sentences("CT_FUNCTION(required, torch_cpu, int64_t, (void))"),
            ["returns int64_t, the header says int32_t"],
        )

    def test_another_parameter_type_is_found(self):
        self.assertEqual(
            self.sentences(
                "CT_FUNCTION(required, torch_copy, int32_t, "
                "(AtenTensorHandle self, int64_t* sizes, AtenTensorHandle* ret))"
            ),
            ["parameter 2 is int64_t* sizes, the header says const int64_t* sizes"],
        )

    def test_another_pointer_depth_is_found(self):
        self.assertEqual(
            len(
                self.sentences(
                    "CT_FUNCTION(required, torch_copy, int32_t, "
                    "(AtenTensorHandle self, const int64_t* sizes, AtenTensorHandle ret))"
                )
            ),
            1,
        )

    def test_a_missing_parameter_is_found(self):
        self.assertIn(
            "takes 2 parameters, the header says 3",
            self.sentences(
                "CT_FUNCTION(required, torch_copy, int32_t, " "(AtenTensorHandle self, const int64_t* sizes))"
            ),
        )

    def test_parameters_in_another_order_are_found_by_their_names(self):
        self.assertEqual(
            len(
                self.sentences(
                    "CT_FUNCTION(required, torch_parallel, int32_t, " "(ParallelFunc ctx, void* func))"
                )
            ),
            2,
        )

    def test_what_is_new_or_of_cuda_must_be_optional(self):
        self.assertEqual(
            self.sentences("CT_FUNCTION(required, torch_what, const char*, (void))"),
            ["is required, but new in torch 2.13: make it optional"],
        )
        self.assertEqual(
            self.sentences("CT_FUNCTION(required, torch_stream, int32_t, (void* stream))"),
            ["is required, but only in CUDA builds: make it optional"],
        )

    def test_commented_rows_are_no_rows_and_broken_ones_are_refused(self):
        types = declarations.Types()
        self.assertEqual(declarations.read_rows("// CT_FUNCTION(required, a, int, (void))\n", types), [])
        for broken in (
            "CT_FUNCTION(required, a, int)",
            "CT_FUNCTION(required, a, int, (void)",
            "CT_FUNCTION(required, a, int, void)",
        ):
            with self.assertRaises(ValueError, msg=broken):
                declarations.read_rows(broken, types)


if __name__ == "__main__":
    unittest.main()
