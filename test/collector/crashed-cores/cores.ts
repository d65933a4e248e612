import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { SourceContext } from '../../../agent/collector/sources/source.ts'
import type { Settings } from '../../../agent/settings/schema.ts'
import { contextOf } from '../looking.ts'

export const BOOT = '33333333333343338333333333333333'
export const COREDUMPS = '/var/lib/systemd/coredump'
const SYSTEMD = '|/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h'

/** A directory outside the project (whose file system may have no attributes), removed after the test. */
export function scratch(t: { teardown(then: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A host below a fresh directory, with a /proc that says what this test needs. */
export function host(t: Parameters<typeof scratch>[0], pattern: string = SYSTEMD): string {
  const root = scratch(t)
  write(root, '/proc/sys/kernel/core_pattern', `${pattern}\n`)
  write(root, '/proc/sys/kernel/random/boot_id', '33333333-3333-4333-8333-333333333333\n')
  write(root, '/proc/stat', `cpu  1 2 3\nbtime ${Math.floor(Date.now() / 1000) - 3600}\n`)
  return root
}

export function write(root: string, path: string, content: string | Buffer): string {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
  return join(root, path)
}

export function context(root: string, cores: Partial<Settings['cores']> = {}): SourceContext {
  const directories = [COREDUMPS, '/var/crash']
  const settings = { cores: { limit: 2 ** 40, age: 14 * 86_400_000, directories, ...cores } } as Settings
  return contextOf(root, settings)
}

/** The name that systemd-coredump gives, without suffix. */
export function coredumpName(comm: string, pid: number, { uid = 998, boot = BOOT, ago = 60_000 } = {}): string {
  return `core.${comm}.${uid}.${boot}.${pid}.${Date.now() - ago}000`
}

/** Lays a core out as systemd-coredump does, with its attributes where the file system takes them. */
export function store(root: string, name: string, content: Buffer, attributes: Record<string, string> = {}): string {
  const path = write(root, `${COREDUMPS}/${name}`, content)
  const script =
    'import os, sys\nfor a in sys.argv[2:]: k, v = a.split("=", 1); os.setxattr(sys.argv[1], "user.coredump." + k, v.encode())'
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${value}`)
  if (pairs.length > 0) execFileSync('python3', ['-c', script, path, ...pairs], { stdio: 'pipe' })
  return path
}

export const compress = (content: Buffer, program: 'zstd' | 'lz4' | 'xz' = 'zstd', ...options: string[]): Buffer =>
  execFileSync(program, ['-c', ...options], { input: content, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'ignore'] })

export interface RealCore {
  readonly program: string
  readonly core: Buffer
}

const SOURCE = `#include <stdlib.h>
#include <string.h>
int main(void) { char *p = malloc(6 << 20); memset(p, 120, 6 << 20); p[5] = 0; abort(); }
`

/** A core as this kernel writes it, of a program compiled here; or why there is none to be had. */
export function realCore(directory: string): RealCore | string {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
  if (pattern.startsWith('|') || pattern.includes('/')) return `this kernel's cores go elsewhere: ${pattern}`
  const program = join(directory, 'crasher')
  try {
    writeFileSync(`${program}.c`, SOURCE)
    execFileSync('gcc', ['-g', '-O0', '-Wl,--build-id', '-o', program, `${program}.c`], { stdio: 'pipe' })
    execFileSync('bash', ['-c', 'ulimit -c unlimited && { ./crasher; true; }'], { cwd: directory, stdio: 'pipe' })
    const name = readdirSync(directory).find((file) => file.startsWith(pattern.replace(/%.*/, '')))
    return name === undefined
      ? 'no core was written: ulimit -c'
      : { program, core: readFileSync(join(directory, name)) }
  } catch (error) {
    return `cannot make a core: ${String(error).split('\n')[0]}`
  }
}
