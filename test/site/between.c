/* Stands between a half of Shao and the C library (LD_PRELOAD), for the fault tests: `slow-disk` in $SHAO_BETWEEN holds
   how many milliseconds each sync takes, and while `dns-gone` is there no name is found. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static FILE *told(const char *name) {
  const char *folder = getenv("SHAO_BETWEEN");
  char path[4096];
  if (folder == NULL || snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return NULL;
  return fopen(path, "r");
}

static void wait_as_told(void) {
  FILE *file = told("slow-disk");
  long ms = 0;
  if (file == NULL) return;
  if (fscanf(file, "%ld", &ms) != 1) ms = 0;
  fclose(file);
  nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_as_told();
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_as_told();
  return real(fd);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  FILE *file = told("dns-gone");
  if (file != NULL) {
    fclose(file);
    return EAI_AGAIN;
  }
  if (real == NULL)
    real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
  return real(node, service, hints, found);
}
