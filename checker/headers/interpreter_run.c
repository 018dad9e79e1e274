#include "headers/interpreter_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"

enum { ANSWER_SECONDS = 30, ANSWER_MOST = 1 << 20 };

/* Must run on every Python from 3.9 on. It is started without site: that saves half of its time,
 * and site is taken up again only where a reader of TOML has to be looked for. */
static const char script[] =
    "import os, sys, sysconfig\n"
    "def put(key, value=None):\n"
    "    line = key if value is None else f'{key}: {value}'\n"
    "    if '\\n' in line or '\\r' in line:\n"
    "        stop(f'{key[4:]}: a value must not contain a line break')\n"
    "    sys.stdout.buffer.write((line + '\\n').encode('utf-8', 'surrogateescape'))\n"
    "def stop(text):\n"
    "    put('error', ' '.join(f'{path}: {text}'.split()))\n"
    "    put('end')\n"
    "    sys.stdout.flush()\n"
    "    sys.exit()\n"
    "def reader():\n"
    "    import importlib\n"
    "    for attempt in range(2):\n"
    "        for name in ('tomllib', 'tomli', 'pip._vendor.tomli'):\n"
    "            try:\n"
    "                return importlib.import_module(name)\n"
    "            except ImportError:\n"
    "                pass\n"
    "        import site\n"
    "        site.main()\n"
    "def scalar(key, value):\n"
    "    if isinstance(value, bool):\n"
    "        return str(value).lower()\n"
    "    if isinstance(value, (str, int)):\n"
    "        return str(value)\n"
    "    stop(f\"'{key}': a value of type {type(value).__name__} is not possible here\")\n"
    "def flat(prefix, table):\n"
    "    for key, value in table.items():\n"
    "        key = prefix + key\n"
    "        if key == 'per-file-ignores' and isinstance(value, dict):\n"
    "            value = [f'{k}:{i}' for k, v in value.items()\n"
    "                     for i in (v if isinstance(v, list) else [v])]\n"
    "        if isinstance(value, dict):\n"
    "            flat(key + '.', value)\n"
    "            value = [] if not value else None\n"
    "        if isinstance(value, list):\n"
    "            for item in value:\n"
    "                put('set.' + key, scalar(key, item))\n"
    "            if not value:\n"
    "                put('set.' + key)\n"
    "        elif value is not None:\n"
    "            put('set.' + key, scalar(key, value))\n"
    "put('version', '%d.%d' % sys.version_info[:2])\n"
    "paths = sysconfig.get_paths()\n"
    "for path in dict.fromkeys((paths['include'], paths['platinclude'])):\n"
    "    put('include', path)\n"
    "toml = reader() if sys.argv[1:] else None\n"
    "if sys.argv[1:] and not toml:\n"
    "    put('no-toml', 'true')\n"
    "for path in sys.argv[1:] if toml else ():\n"
    "    try:\n"
    "        with open(path, 'rb') as f:\n"
    "            data = toml.load(f)\n"
    "    except (OSError, ValueError) as e:\n"
    "        stop(e)\n"
    "    tool = data.get('tool')\n"
    "    table = tool.get('extcheck') if isinstance(tool, dict) else None\n"
    "    if table is None and os.path.basename(path) == 'extcheck.toml':\n"
    "        table = data\n"
    "    if table is not None:\n"
    "        if not isinstance(table, dict):\n"
    "            stop('tool.extcheck is not a table')\n"
    "        put('file', path)\n"
    "        flat('', table)\n"
    "        break\n"
    "put('end')\n";

const char *
interpreter_script(void)
{
    return script;
}

__attribute__((noreturn)) static void
interpreter_become(const char *path, const char *const *tomls, size_t ntomls, const int out[2],
                   const int err[2])
{
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    close(out[0]);
    close(err[0]);
    const char **argv = xcalloc(ntomls + 7, sizeof(*argv));
    size_t n = 0;
    argv[n++] = path;
    argv[n++] = "-I";
    argv[n++] = "-S";
    argv[n++] = "-B";
    argv[n++] = "-c";
    argv[n++] = script;
    for (size_t i = 0; i < ntomls; i++) {
        argv[n++] = tomls[i];
    }
    execv(path, (char *const *)argv);
    static const char failed[] = "cannot be started";
    (void)!write(2, failed, sizeof(failed) - 1);
    _exit(127);
}

static long
interpreter_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Takes what is there; false at the end of the stream. */
static bool
interpreter_drain(int fd, struct str *into)
{
    char block[4096];
    ssize_t n = read(fd, block, sizeof(block));
    if (n > 0 && into->n < ANSWER_MOST) {
        str_addn(into, block, (size_t)n);
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Until both streams are closed; false when that takes too long. */
static bool
interpreter_collect(int out, int err, struct str *text, struct str *complaint)
{
    struct pollfd streams[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    struct str *into[2] = {text, complaint};
    long deadline = interpreter_now() + ANSWER_SECONDS * 1000L;
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        long left = deadline - interpreter_now();
        int n = left > 0 ? poll(streams, 2, (int)left) : 0;
        if (n == 0) {
            return false;
        }
        for (int i = 0; n > 0 && i < 2; i++) {
            if (streams[i].fd >= 0 && streams[i].revents &&
                !interpreter_drain(streams[i].fd, into[i])) {
                streams[i].fd = -1;
            }
        }
    }
    return true;
}

/* The line that names the reason: the last one of a traceback, else the first. */
static const char *
interpreter_reason(struct str *text)
{
    while (text->n && strchr(" \n\r", text->s[text->n - 1])) {
        text->s[--text->n] = '\0';
    }
    char *newline = text->n ? strrchr(text->s, '\n') : NULL;
    if (newline && str_starts(text->s, "Traceback")) {
        return newline + 1;
    }
    if (newline) {
        *strchr(text->s, '\n') = '\0';
    }
    return text->n ? text->s : "it printed nothing";
}

bool
interpreter_run(struct arena *arena, const char *path, const char *const *tomls, size_t ntomls,
                struct str *out, const char **error)
{
    int streams[2], complaints[2];
    if (pipe2(streams, O_CLOEXEC) != 0) {
        *error = arena_printf(arena, "cannot start %s: %s", path, strerror(errno));
        return false;
    }
    if (pipe2(complaints, O_CLOEXEC) != 0) {
        *error = arena_printf(arena, "cannot start %s: %s", path, strerror(errno));
        close(streams[0]);
        close(streams[1]);
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        interpreter_become(path, tomls, ntomls, streams, complaints);
    }
    close(streams[1]);
    close(complaints[1]);
    struct str complaint = {0};
    bool good = child > 0 && interpreter_collect(streams[0], complaints[0], out, &complaint);
    int status = 0;
    if (child > 0) {
        if (!good) {
            kill(child, SIGKILL);
        }
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    }
    close(streams[0]);
    close(complaints[0]);
    if (child < 0) {
        *error = arena_printf(arena, "cannot start %s", path);
    }
    else if (!good) {
        *error = arena_printf(arena, "%s did not answer within %d seconds", path, ANSWER_SECONDS);
    }
    else if (status != 0) {
        *error = arena_printf(arena, "%s cannot be asked for its headers: %s", path,
                              interpreter_reason(&complaint));
        good = false;
    }
    str_free(&complaint);
    return good;
}
