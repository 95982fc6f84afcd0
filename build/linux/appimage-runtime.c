/*
 * The start of an AppImage: mounts the file system behind this program and runs its AppRun. Without FUSE, or with
 * --appimage-extract-and-run, it unpacks to a temporary folder instead. Built by scripts/release/helpers.ts where
 * electron-builder's own runtime cannot be downloaded.
 *
 *   FILE [ARGUMENT]...   FILE --appimage-offset   FILE --appimage-extract   FILE --appimage-mount
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 32
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fuse3/fuse_lowlevel.h>
#include <squashfuse/squashfuse.h>
#include <squashfuse/ll.h>

static void fail(const char *what) {
  fprintf(stderr, "tokenscope: %s: %s\n", what, strerror(errno));
  exit(127);
}

/* Length of this program in its file: its section headers are last. */
static size_t program_length(const char *path) {
  Elf64_Ehdr header;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, &header, sizeof header) != sizeof header) fail(path);
  close(file);
  return header.e_shoff + (size_t)header.e_shentsize * header.e_shnum;
}

static void copy_file(sqfs *fs, sqfs_inode *inode, const char *target) {
  FILE *out = fopen(target, "wbx");
  if (!out) fail(target);
  static char buffer[1 << 20];
  for (sqfs_off_t at = 0; at < (sqfs_off_t)inode->xtra.reg.file_size;) {
    sqfs_off_t size = sizeof buffer;
    if (sqfs_read_range(fs, inode, at, &size, buffer) != SQFS_OK || size <= 0) fail(target);
    if (fwrite(buffer, 1, size, out) != (size_t)size) fail(target);
    at += size;
  }
  if (fclose(out) != 0 || chmod(target, inode->base.mode & 0777) != 0) fail(target);
}

static void extract(size_t offset, const char *path, const char *folder) {
  sqfs fs;
  sqfs_fd_t file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || sqfs_init(&fs, file, offset) != SQFS_OK) fail(path);
  sqfs_traverse walk;
  if (sqfs_traverse_open(&walk, &fs, sqfs_inode_root(&fs)) != SQFS_OK) fail(path);
  sqfs_err error = SQFS_OK;
  while (sqfs_traverse_next(&walk, &error)) {
    if (walk.dir_end) continue;
    char target[PATH_MAX];
    if (snprintf(target, sizeof target, "%s/%s", folder, walk.path) >= (int)sizeof target) fail("path too long");
    sqfs_inode inode;
    if (sqfs_inode_get(&fs, &inode, walk.entry.inode) != SQFS_OK) fail(target);
    if (S_ISDIR(inode.base.mode)) {
      if (mkdir(target, 0755) != 0 && errno != EEXIST) fail(target);
    } else if (S_ISREG(inode.base.mode)) {
      copy_file(&fs, &inode, target);
    } else if (S_ISLNK(inode.base.mode)) {
      char link[PATH_MAX];
      size_t size = sizeof link;
      if (sqfs_readlink(&fs, &inode, link, &size) != SQFS_OK || symlink(link, target) != 0) fail(target);
    }
  }
  sqfs_traverse_close(&walk);
  if (error != SQFS_OK) fail(path);
  sqfs_destroy(&fs);
  close(file);
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *where) {
  (void)facts, (void)kind, (void)where;
  return remove(path);
}

/* Serves the file system until it is unmounted. Writes one byte to `ready` once it is mounted. */
static int serve(size_t offset, const char *path, const char *folder, int ready) {
  char *argv[] = {(char *)path, (char *)"-oro,nodev,nosuid", NULL};
  struct fuse_args args = FUSE_ARGS_INIT(2, argv);
  struct fuse_lowlevel_ops operations;
  memset(&operations, 0, sizeof operations);
  operations.getattr = sqfs_ll_op_getattr;
  operations.opendir = sqfs_ll_op_opendir;
  operations.releasedir = sqfs_ll_op_releasedir;
  operations.readdir = sqfs_ll_op_readdir;
  operations.lookup = sqfs_ll_op_lookup;
  operations.open = sqfs_ll_op_open;
  operations.create = sqfs_ll_op_create;
  operations.release = sqfs_ll_op_release;
  operations.read = sqfs_ll_op_read;
  operations.readlink = sqfs_ll_op_readlink;
  operations.forget = sqfs_ll_op_forget;
  sqfs_ll *ll = sqfs_ll_open(path, offset);
  if (!ll) return 1;
  struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, ll);
  if (!session || fuse_session_mount(session, folder) != 0) return 1;
  fuse_set_signal_handlers(session);
  if (write(ready, "m", 1) != 1) return 1;
  close(ready);
  int result = fuse_session_loop(session);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  sqfs_ll_destroy(ll);
  rmdir(folder);
  return result == 0 ? 0 : 1;
}

/* @returns the process that serves `folder`, or -1 without FUSE */
static pid_t mount_at(size_t offset, const char *path, const char *folder) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    close(ready[0]);
    /* A Ctrl-C in the terminal is for the app; this ends when the app has. */
    setsid();
    /* Complaints about a missing FUSE would confuse: the app starts anyway. */
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0) dup2(nothing, STDERR_FILENO);
    _exit(serve(offset, path, folder, ready[1]));
  }
  close(ready[1]);
  char byte;
  int mounted = read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  if (mounted) return child;
  waitpid(child, NULL, 0);
  return -1;
}

static pid_t app;

static void pass_on(int number) {
  kill(app, number);
}

static int run(const char *folder, const char *path, char **argv) {
  app = fork();
  if (app < 0) fail("fork");
  if (app == 0) {
    char program[PATH_MAX + sizeof "/AppRun"];
    snprintf(program, sizeof program, "%s/AppRun", folder);
    setenv("APPDIR", folder, 1);
    setenv("APPIMAGE", path, 1);
    setenv("ARGV0", argv[0], 1);
    argv[0] = program;
    execv(program, argv);
    fail(program);
  }
  /* What the terminal or the session sends to the whole group, the app handles; the rest is passed on. */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, pass_on);
  signal(SIGHUP, pass_on);
  int status;
  while (waitpid(app, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv) {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length < 0) fail("/proc/self/exe");
  path[length] = 0;
  size_t offset = program_length(path);
  const char *option = argc > 1 ? argv[1] : "";
  if (strcmp(option, "--appimage-offset") == 0) return printf("%zu\n", offset) < 0;
  if (strcmp(option, "--appimage-extract") == 0) {
    if (mkdir("squashfs-root", 0755) != 0) fail("squashfs-root");
    extract(offset, path, "squashfs-root");
    return 0;
  }
  const char *parent = getenv("TMPDIR");
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s/.mount_tokenscope-XXXXXX", parent && *parent ? parent : "/tmp");
  if (!mkdtemp(folder)) fail(folder);
  int unpacked = strcmp(option, "--appimage-extract-and-run") == 0;
  if (unpacked) argv[1] = argv[0], argv++;
  else unpacked = getenv("APPIMAGE_EXTRACT_AND_RUN") != NULL;
  pid_t server = unpacked ? -1 : mount_at(offset, path, folder);
  if (strcmp(option, "--appimage-mount") == 0) {
    if (server < 0) fail("mount");
    puts(folder);
    fflush(stdout);
    pause();
  }
  if (server < 0) extract(offset, path, folder);
  int result = run(folder, path, argv);
  if (server < 0) nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  else kill(server, SIGTERM), waitpid(server, NULL, 0);
  return result;
}
