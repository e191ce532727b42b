# Warnings for our own sources only (PRIVATE). They are errors in presets and CI, never for a user's compiler that we
# have not met. -Wdouble-promotion and -Wfloat-conversion catch silent re-rounding.
option(GONOGO_WERROR "Treat warnings as errors" OFF)

function(gonogo_warnings target)
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 /permissive- $<$<BOOL:${GONOGO_WERROR}>:/WX>)
        return()
    endif()
    target_compile_options(
        ${target}
        PRIVATE
            -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            -Wdouble-promotion
            -Wfloat-conversion
            # g++ 12 reports std::string's own operator+ (GCC bug 105651).
            $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
            $<$<BOOL:${GONOGO_WERROR}>:-Werror>
    )
endfunction()
