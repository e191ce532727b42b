# Floating-point flags that the proofs rest on. They belong to the numeric target and are PUBLIC: its headers hold
# inline kernels, and one translation unit compiled differently could replace the strict copy for the whole program.
include(CheckCXXCompilerFlag)

function(gonogo_strict_fp target)
    if(MSVC)
        # No contraction, no value-changing rewriting.
        target_compile_options(${target} PUBLIC /fp:precise)
        return()
    endif()
    # a*b + c stays two roundings: g++ fuses by default where the instruction set has FMA, which breaks TwoSum.
    target_compile_options(${target} PUBLIC -ffp-contract=off)
    # No extended-precision intermediates. g++ accepts it for C++ from version 13 on; before that it has no effect on
    # machines whose FLT_EVAL_METHOD is 0, and the numeric headers refuse all others.
    check_cxx_compiler_flag(-fexcess-precision=standard GONOGO_HAS_EXCESS_PRECISION)
    if(GONOGO_HAS_EXCESS_PRECISION)
        target_compile_options(${target} PUBLIC -fexcess-precision=standard)
    endif()
    # Undo what a parent project or the environment may have asked for; later flags win.
    target_compile_options(${target} PUBLIC -fno-fast-math)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(i[3-6]86|x86)$")
        # x87 registers would give double rounding.
        target_compile_options(${target} PUBLIC -msse2 -mfpmath=sse)
    endif()
endfunction()
