/* The part of Android's C library that TensorFlow Lite's JNI library needs, on top of glibc. See bionic_shim.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What has the same meaning in both is a jump; the addresses are looked up when the library is loaded. The hidden
   version (one @) keeps this file's own calls going to glibc. */
#define FORWARD(name) \
  void *slot_##name; \
  __asm__(".text\n.type jump_" #name ", @function\n.globl jump_" #name "\n" \
          "jump_" #name ": movq slot_" #name "@GOTPCREL(%rip), %r11\n jmp *(%r11)\n" \
          ".symver jump_" #name ", " #name "@LIBC\n");
#include "forwarded.h"
#undef FORWARD

static void *find(const char *name) {
  void *address = dlsym(RTLD_DEFAULT, name);
  if (!address) address = dlsym(dlopen("libm.so.6", RTLD_NOW), name);
  if (!address) {
    fprintf(stderr, "bionic_shim: glibc has no %s\n", name);
    abort();
  }
  return address;
}

__attribute__((constructor)) static void look_up(void) {
#define FORWARD(name) slot_##name = find(#name);
#include "forwarded.h"
}

/* Functions that differ. The macro marks their names for bionic_shim.py. */
#define BIONIC(name) __asm__(".symver own_" #name ", " #name "@LIBC\n");

BIONIC(__errno)
int *own___errno(void) { return &errno; }

/* An array of three streams, whose addresses are taken. */
BIONIC(__sF)
char own___sF[3][152];

static FILE *stream(void *file) {
  if (file == own___sF[0]) return stdin;
  if (file == own___sF[1]) return stdout;
  if (file == own___sF[2]) return stderr;
  return file;
}

BIONIC(fprintf)
int own_fprintf(void *file, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int result = vfprintf(stream(file), format, args);
  va_end(args);
  return result;
}

BIONIC(vfprintf)
int own_vfprintf(void *file, const char *format, va_list args) { return vfprintf(stream(file), format, args); }

BIONIC(fputc)
int own_fputc(int character, void *file) { return fputc(character, stream(file)); }

BIONIC(fflush)
int own_fflush(void *file) { return fflush(file ? stream(file) : NULL); }

BIONIC(fwrite)
size_t own_fwrite(const void *bytes, size_t size, size_t count, void *file) {
  return fwrite(bytes, size, count, stream(file));
}

BIONIC(__strlen_chk)
size_t own___strlen_chk(const char *text, size_t size) { return strlen(text); }

/* glibc's own strerror_r returns a pointer. */
BIONIC(strerror_r)
int own_strerror_r(int number, char *buffer, size_t size) { return __xpg_strerror_r(number, buffer, size); }

/* The constants have different values. */
BIONIC(sysconf)
long own_sysconf(int name) {
  switch (name) {
    case 0x27: case 0x28: return sysconf(_SC_PAGESIZE);
    case 0x60: return sysconf(_SC_NPROCESSORS_CONF);
    case 0x61: return sysconf(_SC_NPROCESSORS_ONLN);
    default: return -1;
  }
}

BIONIC(__system_property_get)
int own___system_property_get(const char *name, char *value) {
  *value = 0;
  return 0;
}

BIONIC(android_set_abort_message)
void own_android_set_abort_message(const char *message) { fprintf(stderr, "%s\n", message); }

/* Looked up without a version. */
int __android_log_vprint(int priority, const char *tag, const char *format, va_list args) {
  fprintf(stderr, "%s: ", tag);
  int result = vfprintf(stderr, format, args);
  fputc('\n', stderr);
  return result;
}
