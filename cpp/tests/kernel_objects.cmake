# An object compiled for AVX2 or AVX-512 must define nothing that the linker may merge with code for older processors:
# no weak symbol (inline function, template) outside the namespace of its instruction set.
#   cmake -D nm=<nm> -D objects=<list> -P kernel_objects.cmake
set(checked 0)
foreach(object IN LISTS objects)
    if(NOT object MATCHES "kernels/[^/]*_(avx2|avx512|vnni)\\.cpp")
        continue()
    endif()
    set(set ${CMAKE_MATCH_1})
    execute_process(
        COMMAND ${nm} --demangle --defined-only ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY
    )
    string(REPLACE ";" "," symbols "${symbols}")
    string(REPLACE "\n" ";" symbols "${symbols}")
    foreach(symbol IN LISTS symbols)
        if(symbol MATCHES " [WVu] " AND NOT symbol MATCHES "gonogo::numeric::${set}::")
            message(SEND_ERROR "${object}: ${symbol}")
        endif()
    endforeach()
    math(EXPR checked "${checked} + 1")
endforeach()
message(STATUS "${checked} kernel objects checked")
if(checked EQUAL 0)
    message(SEND_ERROR "no kernel object found among: ${objects}")
endif()
