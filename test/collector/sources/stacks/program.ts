import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openSystem } from '../../../../agent/collector/host/ffi.ts'
import { canTrace } from '../../../../agent/collector/live-core/preflight.ts'

/** Why a test that compiles is left out. */
export const noCompiler = spawnSync('gcc', ['--version']).status !== 0 && 'no gcc'

/** Why a test that traces is left out. */
export function noTracing(): string | false {
  const preflight = canTrace(openSystem(), '/')
  return !preflight.ok && preflight.reason
}

/** Threads that wait for each other, spin, sleep or cannot be stopped, by the first argument; says "ready" when all of them do. */
const SOURCE = `
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
static pthread_mutex_t locks[2] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
static pthread_barrier_t both;
static volatile unsigned long turns;
static void *grab(void *argument) {
  long mine = (long)argument;
  pthread_mutex_lock(&locks[mine]);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&locks[1 - mine]);
  return NULL;
}
static void *spin(void *argument) {
  for (;;) turns++;
  return argument;
}
static void *lose(void *argument) {
  /* who waits for a child of vfork sleeps uninterruptibly */
  if (vfork() == 0) for (prctl(PR_SET_PDEATHSIG, SIGKILL);;) pause();
  return argument;
}
int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "sleep";
  pthread_t threads[2];
  pthread_barrier_init(&both, NULL, 3);
  int deadlock = !strcmp(what, "deadlock");
  for (long i = 0; deadlock && i < 2; i++) pthread_create(&threads[i], NULL, grab, (void *)i);
  if (deadlock) pthread_barrier_wait(&both);
  if (!strcmp(what, "spin")) pthread_create(&threads[0], NULL, spin, NULL), pthread_setname_np(threads[0], "spinner");
  if (!strcmp(what, "blocked")) pthread_create(&threads[0], NULL, lose, NULL), pthread_setname_np(threads[0], "lost");
  puts("ready");
  fflush(stdout);
  if (deadlock) pthread_join(threads[0], NULL);
  for (;;) pause();
}
`

/** The program, linked in a scratch directory of the test. */
export function compiled(t: Test, name = 'patient'): string {
  const directory = t.testdir({ [`${name}.c`]: SOURCE })
  const path = join(directory, name)
  const { status, stderr } = spawnSync('gcc', ['-g', '-O1', '-pthread', '-o', path, `${path}.c`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return path
}

/** What its environment holds, no part of it like another. */
const PLANTED = Array.from({ length: 64 }, (_, i) => `planted-${i}`).join('.')
/** Bytes of a vector register (AVX-512). What looks through an environment leaves such a piece in one, as on the stack where it is saved. */
const REGISTER = 64

/** A part of its environment, longer than what a register may have kept of it, that is in these bytes; undefined where there is none. */
export function plantedIn(bytes: Buffer): string | undefined {
  const parts = Array.from({ length: PLANTED.length - REGISTER }, (_, at) => PLANTED.slice(at, at + REGISTER + 1))
  return parts.find((part) => bytes.includes(part))
}

/** A program that runs. */
export interface Started {
  readonly pid: number
  /** Kills it, and waits until it is gone. */
  end(): Promise<void>
}

/**
 * Runs it until the test ends; gives it when it is ready. A shell is its parent: the stops of a child that we trace
 * ourselves would be reported to Node, which takes them for its end.
 */
export async function started(t: Test, path: string, what: string): Promise<Started> {
  const shell = spawn('sh', ['-c', '"$0" "$1" & echo "pid $!"; wait', path, what], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PLANTED },
  })
  const gone = once(shell, 'exit')
  let said = ''
  for await (const chunk of shell.stdout.iterator({ destroyOnReturn: false })) {
    said += chunk
    if (/pid \d+/.test(said) && said.includes('ready')) break
  }
  const pid = Number(/pid (\d+)/.exec(said)?.[1])
  const end = async () => {
    process.kill(pid, 'SIGKILL')
    await gone
  }
  t.teardown(() => (shell.exitCode === null ? end() : undefined))
  return { pid, end }
}
