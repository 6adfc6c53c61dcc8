# What `cmake --install` puts where: the tools, the library with its headers, find_package(mc), pkg-config, the texts.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mc")
set(generated_dir "${CMAKE_CURRENT_BINARY_DIR}/package")

install(TARGETS core EXPORT mcTargets)
install(DIRECTORY libcore/include/mc TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(EXPORT mcTargets NAMESPACE mc:: DESTINATION "${package_dir}")
configure_package_config_file(libcore/cmake/mcConfig.cmake.in "${generated_dir}/mcConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${generated_dir}/mcConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${generated_dir}/mcConfig.cmake" "${generated_dir}/mcConfigVersion.cmake" DESTINATION "${package_dir}")

# Relative to where the file lies, so that an installed tree can be moved.
file(RELATIVE_PATH MC_PC_TO_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" MC_PC_TO_PREFIX "${MC_PC_TO_PREFIX}")
configure_file(libcore/cmake/mc.pc.in "${generated_dir}/mc.pc" @ONLY)
install(FILES "${generated_dir}/mc.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

foreach(tool mc-bench mc-meta mc-mount mc-register mc-target)
    if(TARGET ${tool})
        install(TARGETS ${tool})
        install(FILES man/${tool}.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
        install(FILES completions/${tool}.bash DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
                RENAME ${tool})
        install(FILES completions/_${tool} DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
        install(FILES completions/${tool}.fish DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
    endif()
endforeach()
install(FILES man/mc-metadata.7 DESTINATION "${CMAKE_INSTALL_MANDIR}/man7")
install(DIRECTORY configs/ DESTINATION "${CMAKE_INSTALL_DATADIR}/mc/configs" OPTIONAL)
install(FILES LICENSE README.md CHANGELOG.md TYPE DOC OPTIONAL)
