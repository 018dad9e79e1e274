"""Where scikit-build-core and CMake find extcheckConfig.cmake."""
