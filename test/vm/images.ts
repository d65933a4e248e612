import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Suite } from '../../scripts/vm/base.ts'
import { buildImage, type Image } from '../../scripts/vm/image.ts'
import { output } from '../../scripts/vm/program.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
/** What all of this keeps between runs. */
export const CACHE = join(CHECKOUT, '.cache/vm')
const PROGRAMS = join(CACHE, 'programs')

/** The programs that run in the guests, linked statically: the guest's libc may be older than this machine's. */
const NAMES = [
  'crasher',
  'lingerer',
  'deadlocked',
  'spinning',
  'greedy',
  'hoarder',
  'frozenfs',
  'reader',
  'watcher',
  'mallory',
  'intruder',
  'swollen',
  'thrasher',
  'fragile',
  'crowd',
  'stopper',
  'logger',
  'oomd',
  'hog',
] as const

/** A program as it is in the image, with its symbols. */
export function program(name: (typeof NAMES)[number]): string {
  return join(PROGRAMS, 'usr/lib/vm', name)
}

/** Compiles the programs of the tests into a tree that is laid over every image. */
export async function compilePrograms(signal: AbortSignal): Promise<void> {
  await mkdir(join(PROGRAMS, 'usr/lib/vm'), { recursive: true })
  for (const name of NAMES) {
    const source = join(import.meta.dirname, 'programs', `${name}.c`)
    const flags = ['-O1', '-g', '-Wall', '-Wextra', '-Werror', '-static', '-pthread']
    await output('gcc', [...flags, '-o', program(name), source], {}, signal)
  }
}

/** Builds what the bake installs: stale JavaScript would test yesterday's program. */
export async function buildAgent(signal: AbortSignal): Promise<void> {
  await output('npm', ['run', '--silent', 'build'], { cwd: CHECKOUT }, signal)
}

/** An image of a suite with lastgasp in it, by the users' own script, in a directory that is its own. */
export async function bakedImage(suite: Suite, home: string, signal: AbortSignal): Promise<Image> {
  const vm = join(CHECKOUT, 'scripts/vm')
  const bake = async (root: string, abort: AbortSignal) => {
    await output(join(CHECKOUT, 'scripts/bake'), ['--root', root, '--settings', join(vm, 'settings.toml')], {}, abort)
  }
  await mkdir(home)
  return buildImage(suite, { cache: CACHE, home, trees: [join(vm, 'guest'), PROGRAMS], bake }, signal)
}
