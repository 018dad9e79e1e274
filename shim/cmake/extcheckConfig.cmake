# extcheck: the build gate for CMake. docs/gate.md is the guide.
#
#   find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
#   find_package(extcheck REQUIRED)
#   Python_add_library(spam MODULE WITH_SOABI spam.c)
#   extcheck_add_gate(spam SUPPORTS_OWN_GIL SUPPORTS_FREE_THREADED)
#
# The gate runs before the target is compiled, in every build (an unchanged one costs a look into the
# checker's cache), so that neither a changed header nor a changed switch goes unnoticed.
cmake_minimum_required(VERSION 3.20)

find_path(extcheck_INCLUDE_DIR extshim_gate.h
          HINTS "${CMAKE_CURRENT_LIST_DIR}/../include" "${CMAKE_CURRENT_LIST_DIR}/../../../include"
                "${CMAKE_CURRENT_LIST_DIR}/../../../../include" # lib/x86_64-linux-gnu/cmake/extcheck
          NO_DEFAULT_PATH)
find_program(extcheck_EXECUTABLE extcheck
             HINTS "${CMAKE_CURRENT_LIST_DIR}/../../../bin"
                   "${CMAKE_CURRENT_LIST_DIR}/../../../../bin")
# Sources of the shim for modules that use extshim.h: target_sources(spam PRIVATE
# ${extcheck_SHIM_SOURCES}). Empty where only the Python package is installed.
foreach(folder "../src" "../../../share/extshim/src" "../../../../share/extshim/src")
  if(NOT extcheck_SHIM_SOURCES)
    file(GLOB extcheck_SHIM_SOURCES "${CMAKE_CURRENT_LIST_DIR}/${folder}/*.c")
  endif()
endforeach()
mark_as_advanced(extcheck_INCLUDE_DIR extcheck_EXECUTABLE)
if(NOT extcheck_INCLUDE_DIR)
  set(extcheck_FOUND FALSE)
  set(extcheck_NOT_FOUND_MESSAGE "extshim_gate.h is not where extcheckConfig.cmake expects it")
  return()
endif()

# The interpreter that find_package(Python) or find_package(Python3) found.
function(extcheck_python_ result)
  if(Python_EXECUTABLE)
    set(${result} "${Python_EXECUTABLE}" PARENT_SCOPE)
  elseif(Python3_EXECUTABLE)
    set(${result} "${Python3_EXECUTABLE}" PARENT_SCOPE)
  else()
    message(FATAL_ERROR "extcheck_add_gate: find_package(Python) or (Python3) comes first")
  endif()
endfunction()

# SOABI of what is built: given, else the target's suffix for abi3, else the interpreter's.
function(extcheck_soabi_ target given python result)
  get_target_property(suffix ${target} SUFFIX)
  if(given)
    set(soabi "${given}")
  elseif(EXTCHECK_SOABI)
    set(soabi "${EXTCHECK_SOABI}")
  elseif(suffix MATCHES "^[.](abi3t?)[.]")
    set(soabi "${CMAKE_MATCH_1}")
  elseif(Python_SOABI)
    set(soabi "${Python_SOABI}")
  elseif(Python3_SOABI)
    set(soabi "${Python3_SOABI}")
  elseif(CMAKE_CROSSCOMPILING)
    message(FATAL_ERROR "extcheck_add_gate: a cross build needs SOABI or -DEXTCHECK_SOABI=, such "
                        "as cpython-313t-aarch64-linux-gnu")
  else()
    execute_process(COMMAND "${python}" -c
                            "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))"
                    OUTPUT_VARIABLE soabi OUTPUT_STRIP_TRAILING_WHITESPACE
                    COMMAND_ERROR_IS_FATAL ANY)
  endif()
  set(${result} "${soabi}" PARENT_SCOPE)
endfunction()

# The command that judges: through Python where extcheck_build is there (it can use a verdict file),
# else the checker itself.
function(extcheck_command_ python result)
  execute_process(COMMAND "${python}" -c "import extcheck_build" RESULT_VARIABLE missing
                  OUTPUT_QUIET ERROR_QUIET)
  if(NOT missing)
    set(command "${python}" -m extcheck_build gate)
    if(extcheck_EXECUTABLE)
      list(PREPEND command "${CMAKE_COMMAND}" -E env "EXTCHECK=${extcheck_EXECUTABLE}")
    endif()
  elseif(extcheck_EXECUTABLE)
    set(command "${extcheck_EXECUTABLE}" gate)
  else()
    message(FATAL_ERROR "extcheck_add_gate: there is neither the program extcheck nor the Python "
                        "package extcheck-build for ${python}")
  endif()
  set(${result} "${command}" PARENT_SCOPE)
endfunction()

# extcheck_add_gate(<target> [SUPPORTS_OWN_GIL] [SUPPORTS_FREE_THREADED] [MODULE <name>]
#                   [SOABI <tag>] [VERDICT <file>] [ROOT <folder>] [SOURCES <more>...])
#
# MODULE: dotted name, default the target's OUTPUT_NAME or name. SOURCES: files of the module that
# other targets compile. ROOT: files are named relative to it, default the project's folder.
function(extcheck_add_gate target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SUPPORTS_OWN_GIL;SUPPORTS_FREE_THREADED"
                        "MODULE;SOABI;VERDICT;ROOT" "SOURCES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "extcheck_add_gate: unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  extcheck_python_(python)
  extcheck_command_("${python}" command)
  extcheck_soabi_(${target} "${arg_SOABI}" "${python}" soabi)
  if(NOT arg_MODULE)
    get_target_property(arg_MODULE ${target} OUTPUT_NAME)
    if(NOT arg_MODULE)
      set(arg_MODULE ${target})
    endif()
  endif()
  if(NOT arg_ROOT)
    set(arg_ROOT "${PROJECT_SOURCE_DIR}")
  endif()
  string(REGEX REPLACE "[^0-9A-Za-z]" "_" id "${arg_MODULE}")
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/extcheck/${target}")
  set(header "${folder}/extcheck_gate_${id}.h")
  set(note "${folder}/extcheck_note_${id}.c")

  list(APPEND command --module ${arg_MODULE} --output-dir "${folder}" --soabi "${soabi}"
       --root "${arg_ROOT}")
  if(arg_SUPPORTS_OWN_GIL)
    list(APPEND command --supports-own-gil)
  endif()
  if(arg_SUPPORTS_FREE_THREADED)
    list(APPEND command --supports-free-threaded)
  endif()
  if(arg_VERDICT AND command MATCHES "extcheck_build")
    list(APPEND command --verdict "${arg_VERDICT}")
  endif()
  if(NOT CMAKE_CROSSCOMPILING)
    list(APPEND command --python "${python}")
  endif()
  # The database has the flags of every file as they are; other generators write none.
  set(flags)
  if(CMAKE_GENERATOR MATCHES "Ninja|Makefiles")
    set_target_properties(${target} PROPERTIES EXPORT_COMPILE_COMMANDS ON)
    list(APPEND command -p "${CMAKE_BINARY_DIR}")
  else()
    set(include "$<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>")
    set(define "$<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>")
    set(flags -- "$<$<BOOL:${include}>:-I$<JOIN:${include},;-I>>"
        "$<$<BOOL:${define}>:-D$<JOIN:${define},;-D>>")
  endif()
  set(sources "$<TARGET_PROPERTY:${target},SOURCES>")
  set(sources "$<FILTER:${sources},INCLUDE,[.](c|cc|cpp|cxx)$>")
  set(sources "$<FILTER:${sources},EXCLUDE,/extcheck_note_>")

  add_custom_target(${target}_extcheck_gate
    COMMAND ${command} "${sources}" ${arg_SOURCES} ${flags}
    BYPRODUCTS "${header}" "${note}" "${folder}/extcheck_record_${id}.json"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    COMMENT "extcheck gate: ${arg_MODULE}"
    COMMAND_EXPAND_LISTS VERBATIM USES_TERMINAL)
  add_dependencies(${target} ${target}_extcheck_gate)

  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  set_source_files_properties("${note}" "${header}" PROPERTIES GENERATED TRUE)
  if(NOT "C" IN_LIST languages)
    set_source_files_properties("${note}" PROPERTIES LANGUAGE CXX)
  endif()
  target_sources(${target} PRIVATE "${note}")
  target_include_directories(${target} PRIVATE "${extcheck_INCLUDE_DIR}")
  if(MSVC)
    target_compile_options(${target} PRIVATE "/FI${header}")
  else()
    target_compile_options(${target} PRIVATE "SHELL:-include \"${header}\"")
  endif()
endfunction()
