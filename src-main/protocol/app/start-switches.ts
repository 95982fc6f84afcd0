/** Arguments of the packaged app that run something else than its window, which gets what follows `--`. */

/** Runs the command line tool. */
export const CLI_SWITCH = '--cli';
/** Runs the process that `tokenscope bench` measures. */
export const BENCH_HOST_SWITCH = '--bench-host';
/** Chromium's, for both, as in build/bin: they open no page, so they need neither display nor sandbox. */
export const PAGELESS_SWITCHES: readonly string[] = ['--no-sandbox', '--no-zygote', '--log-level=3'];
