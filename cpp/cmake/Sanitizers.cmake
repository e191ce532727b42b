# GONOGO_SANITIZE="address;undefined" instruments every target of the build. Errors end the program: a sanitizer
# that only prints is a log nobody reads.
include_guard(DIRECTORY)
set(GONOGO_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address;undefined")

if(GONOGO_SANITIZE)
    list(JOIN GONOGO_SANITIZE "," gonogo_sanitizers)
    add_compile_options(-fsanitize=${gonogo_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${gonogo_sanitizers})
endif()
