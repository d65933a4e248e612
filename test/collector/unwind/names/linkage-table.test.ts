import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { linkageNameAt, linkageTable } from '../../../../agent/collector/unwind/names/linkage-table.ts'
import { unhurried } from '../../reading.ts'
import { noCompiler } from '../../sources/stacks/program.ts'
import { imageOf } from './image.ts'

const SOURCE = `
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) { puts(argv[0]); poll(0, 0, argc); return atoi(argv[1]) + getpid() + (int)read(0, argv, 1); }
`
const skip = noCompiler || (spawnSync('objdump', ['--version']).status !== 0 && 'no objdump')

for (const [name, options] of Object.entries({
  'a program for anywhere': ['-pie', '-fPIE', '-Wl,-z,lazy'],
  'a program for one place': ['-no-pie', '-Wl,-z,lazy'],
  'with branch targets': ['-no-pie', '-fcf-protection', '-Wl,-z,lazy', '-Wl,-z,ibtplt'],
  'without lazy binding': ['-pie', '-fPIE', '-Wl,-z,now'],
})) {
  t.test(name, { skip: skip || (name === 'with branch targets' && process.arch !== 'x64') }, async (t) => {
    const path = join(t.testdir({ 'a.c': SOURCE }), 'a')
    execFileSync('gcc', ['-O1', '-fno-builtin', ...options, '-o', path, `${path}.c`])
    const image = await imageOf(path)
    const table = await linkageTable(image, unhurried())
    const section = (await image.sections(unhurried())).some((one) => one.name === '.plt.sec') ? '.plt.sec' : '.plt'
    const listed = execFileSync('objdump', ['-d', '-j', section, path], { encoding: 'utf8' })
    const entries = [...listed.matchAll(/^([0-9a-f]+) <([^>]+@plt)>:$/gm)]
    t.ok(entries.length >= 5 || table === undefined)
    for (const [, at = '', label] of entries) {
      const start = Number.parseInt(at, 16)
      for (const address of [start, start + 15]) {
        const found = table && (await linkageNameAt(image, table, address, unhurried()))
        t.strictSame(found, { name: label, start }, `${label} at ${address - start}`)
      }
    }
    if (table !== undefined) t.equal(await linkageNameAt(image, table, table.start - 1, unhurried()), undefined)
  })
}
