include(${CMAKE_CURRENT_LIST_DIR}/gonogoTargets.cmake)
