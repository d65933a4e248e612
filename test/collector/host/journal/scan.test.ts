import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { scanJournals } from '../../../../agent/collector/host/journal/scan.ts'
import { unhurried } from '../../reading.ts'
import { FILES, layOut, shortDirectory } from '../../sources/journal/host.ts'

t.test('on a host that hardly runs a disk that is slow does not hang', async (t) => {
  const root = shortDirectory(t)
  layOut(root)
  const hung = ['a', 'b', 'c', 'd'].map((name) => join(root, name))
  execFileSync('mkfifo', hung)
  // All threads by which files are read are busy, and nobody is run.
  const opening = hung.map((path) => open(path))
  const scanning = scanJournals(root, unhurried())
  for (let times = 0; times < 4; times++) {
    await sleep(5)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
  }
  for (const path of hung) closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  for (const file of opening) await (await file).close()
  const { files, problems } = await scanning
  t.strictSame(problems, [])
  t.equal(files.length, FILES.length)
})
