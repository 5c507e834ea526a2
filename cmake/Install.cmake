# libwitc (static and shared, all folders in one), its headers, the pkg-config file, manual pages, completions.
get_property(libraries GLOBAL PROPERTY WITC_LIBRARIES)
get_property(external GLOBAL PROPERTY WITC_EXTERNAL)
list(REMOVE_DUPLICATES external)
set(objects "")
foreach(library ${libraries})
  list(APPEND objects $<TARGET_OBJECTS:${library}>)
endforeach()

add_library(witc-static STATIC ${objects})
add_library(witc-shared SHARED ${objects})
set_target_properties(witc-static witc-shared PROPERTIES OUTPUT_NAME witc LINKER_LANGUAGE C)
set_target_properties(witc-shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
target_link_libraries(witc-shared PRIVATE ${external} m)
install(TARGETS witc-static witc-shared
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

install(FILES ${WITC_PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/witc)

set(private_libraries "-lm")
foreach(library ${external})
  string(APPEND private_libraries " -l${library}")
endforeach()
# From the file's own place, so that `cmake --install --prefix` may choose another.
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(PREPEND pc_prefix "\${pcfiledir}/")
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/witc.pc.in ${CMAKE_BINARY_DIR}/witc.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/witc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

foreach(section 1 3 5)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/completion.${shell}
    COMMAND witc completion ${shell} > ${CMAKE_BINARY_DIR}/completion.${shell} DEPENDS witc)
  list(APPEND completions ${CMAKE_BINARY_DIR}/completion.${shell})
endforeach()
add_custom_target(completions ALL DEPENDS ${completions})
install(FILES ${CMAKE_BINARY_DIR}/completion.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME witc)
install(FILES ${CMAKE_BINARY_DIR}/completion.zsh
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _witc)
install(FILES ${CMAKE_BINARY_DIR}/completion.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME witc.fish)
