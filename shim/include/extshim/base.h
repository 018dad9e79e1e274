/* extshim/base.h - what every other header of the shim stands on: versions, visibility, atomics.
 *
 * Nothing here is for users; they include <extshim.h>. The whole shim is compiled into each
 * extension with hidden symbols, so two extensions with different versions of it share nothing.
 */
#ifndef EXTSHIM_BASE_H
#define EXTSHIM_BASE_H

#include <Python.h>

#include <stddef.h>
#include <stdint.h>

#if PY_VERSION_HEX < 0x03090000
#error "extshim needs CPython 3.9 or newer"
#endif
#if defined(PYPY_VERSION) || defined(GRAALVM_PYTHON)
#error "extshim needs CPython: it converts CPython's type structs"
#endif
#if defined(Py_LIMITED_API) && (Py_LIMITED_API + 0) < 0x03090000
#error "extshim needs Py_LIMITED_API of 0x03090000 or newer (PyInterpreterState_Get)"
#endif

#define EXTSHIM_VERSION "0.1.0"
/* Layout of the block that the interpreter's dict anchors; a part of the capsule's name. */
#define EXTSHIM_LAYOUT 1

#ifdef Py_LIMITED_API
#define EXTSHIM_LIMITED 1
#else
#define EXTSHIM_LIMITED 0
#endif

#ifdef __cplusplus
#define EXTSHIM_BEGIN_C extern "C" {
#define EXTSHIM_END_C }
#else
#define EXTSHIM_BEGIN_C
#define EXTSHIM_END_C
#endif

/* An #error at the place of use: what Py_LIMITED_API rules out says so there, with its reason. */
#if defined(__GNUC__) || defined(__clang__)
#define EXTSHIM_PRAGMA_(text) _Pragma(#text)
#define EXTSHIM_ERROR_(reason) EXTSHIM_PRAGMA_(GCC error reason)
#else
#define EXTSHIM_ERROR_(reason) static_assert(0, reason);
#endif

#if defined(__GNUC__) || defined(__clang__)
/* ELF; Mach-O goes the same way, untested: hidden symbols, constructors and these atomics exist
 * there. Hidden: a second extension's shim must never be bound to this one's functions. */
#define EXTSHIM_HIDDEN __attribute__((visibility("hidden")))
#define EXTSHIM_LIKELY(x) __builtin_expect(!!(x), 1)
#define EXTSHIM_UNUSED __attribute__((unused))
#define EXTSHIM_LOAD_PTR(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
#define EXTSHIM_STORE_PTR(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
#define EXTSHIM_LOAD_INT(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
#define EXTSHIM_STORE_INT(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
/* Stores `to` where `from` is, and tells whether it did. */
#define EXTSHIM_SWAP_INT(place, from, to) __sync_bool_compare_and_swap((place), (from), (to))
#define EXTSHIM_SWAP_BYTE(place, from, to)                                                         \
    __sync_bool_compare_and_swap((place), (unsigned char)(from), (unsigned char)(to))
#define EXTSHIM_LOAD_BYTE(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
#define EXTSHIM_LOAD_LONG(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
#define EXTSHIM_STORE_LONG(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
#elif defined(_MSC_VER)
/* Untested. MSVC links a module's own objects only; nothing is exported without dllexport. */
#include <intrin.h>
#define EXTSHIM_HIDDEN
#define EXTSHIM_LIKELY(x) (x)
#define EXTSHIM_UNUSED
/* Aligned volatile accesses are acquire and release under /volatile:ms and on x86 and x64; on
 * ARM64 the interlocked forms are needed. */
#define EXTSHIM_SWAP_INT(place, from, to)                                                          \
    (_InterlockedCompareExchange((volatile long *)(place), (to), (from)) == (from))
#define EXTSHIM_SWAP_BYTE(place, from, to)                                                         \
    (_InterlockedCompareExchange8((volatile char *)(place), (char)(to), (char)(from)) ==           \
     (char)(from))
#define EXTSHIM_LOAD_BYTE(place) ((unsigned char)_InterlockedOr8((volatile char *)(place), 0))
#define EXTSHIM_LOAD_LONG(place) ((unsigned long)_InterlockedOr((volatile long *)(place), 0))
#define EXTSHIM_STORE_LONG(place, value)                                                           \
    (void)_InterlockedExchange((volatile long *)(place), (long)(value))
#if defined(_M_ARM64)
#define EXTSHIM_LOAD_PTR(place)                                                                    \
    _InterlockedCompareExchangePointer((void *volatile *)(place), NULL, NULL)
#define EXTSHIM_STORE_PTR(place, value)                                                            \
    (void)_InterlockedExchangePointer((void *volatile *)(place), (void *)(value))
#define EXTSHIM_LOAD_INT(place) _InterlockedOr((volatile long *)(place), 0)
#define EXTSHIM_STORE_INT(place, value)                                                            \
    (void)_InterlockedExchange((volatile long *)(place), (long)(value))
#else
#define EXTSHIM_LOAD_PTR(place) (*(void *volatile *)(place))
#define EXTSHIM_STORE_PTR(place, value) (*(void *volatile *)(place) = (void *)(value))
#define EXTSHIM_LOAD_INT(place) (*(volatile int *)(place))
#define EXTSHIM_STORE_INT(place, value) (*(volatile int *)(place) = (value))
#endif
#else
#error "extshim knows the atomics of gcc, clang and MSVC only"
#endif

#endif /* EXTSHIM_BASE_H */
