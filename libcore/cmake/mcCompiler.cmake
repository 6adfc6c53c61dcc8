# Compiler settings that every target of the project shares.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
# Binaries run from the build tree and from the install tree alike.
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release)
endif()

add_library(mc_compiler INTERFACE)
target_compile_options(mc_compiler INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                             -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough
                                             # What a designated initialiser leaves out has its default.
                                             -Wno-missing-field-initializers)
if(MC_WERROR)
    target_compile_options(mc_compiler INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The value of a std::expected on its error path: GCC 12 warns where nothing is read.
    target_compile_options(mc_compiler INTERFACE -Wno-maybe-uninitialized)
endif()
if(MC_SANITIZE)
    target_compile_options(mc_compiler INTERFACE -fsanitize=${MC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(mc_compiler INTERFACE -fsanitize=${MC_SANITIZE})
    # It opens a pipe to see whether memory may be read, and takes every object for a wrong one when there is no descriptor.
    target_compile_options(mc_compiler INTERFACE -fno-sanitize=vptr)
endif()

if(MC_BUILD_FUZZERS)
    target_compile_options(mc_compiler INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(mc_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        # Where a precompiled header's source is; its contents count.
        set(ignored_options "CCACHE_IGNOREOPTIONS=${CMAKE_BINARY_DIR}/*")
    endif()
    # Paths below the source directory count as relative ones, so that clones share what was compiled. What was included is
    # asked of the compiler instead of a preprocessor.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=true
        ${ignored_options}
        CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 CCACHE_PCH_EXTSUM=1
        "${CMAKE_CURRENT_LIST_DIR}/with_pch_checksum" "${CCACHE_PROGRAM}")
endif()

# mc_precompile(TARGET [REUSE_FROM OTHER | HEADERS...]): the headers that most sources include are half of what one takes
# to compile. The options are what ccache needs to know such a source again.
function(mc_precompile target)
    target_compile_options(${target} PRIVATE
        $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
    if("${ARGV1}" STREQUAL "REUSE_FROM")
        target_precompile_headers(${target} ${ARGN})
    elseif(ARGC GREATER 1)
        target_precompile_headers(${target} PRIVATE ${ARGN})
    else()
        target_precompile_headers(${target} PRIVATE <algorithm> <array> <atomic> <chrono> <expected> <fmt/format.h> <functional>
            <map> <memory> <mutex> <optional> <span> <string> <string_view> <thread> <vector>)
    endif()
endfunction()
