import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HostReads } from '../../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../../agent/collector/host/ledger.ts'
import { JOURNAL_BYTES, readJournal, shortOfMemory } from '../../../../agent/collector/sources/facts/journal-text.ts'

const PLENTY = { meminfo: 'MemAvailable:    1000000 kB\n', pressure: undefined }

/** A host whose journalctl is this shell script. */
function host(t: Test, script: string) {
  const root = t.testdir({ usr: { bin: { journalctl: `#!/bin/sh\n${script}\n` } } })
  chmodSync(join(root, 'usr/bin/journalctl'), 0o755)
  const troubles = ledger()
  return { root, troubles, reads: new HostReads(root, troubles, AbortSignal.timeout(60_000)) }
}

t.test("its lines are taken as they are, without this process's environment", async (t) => {
  const { root, reads, troubles } = host(t, 'echo "$@"; env')
  process.env.LASTGASP_PLANTED = 'planted'
  const text = (await readJournal(reads, 7, PLENTY))?.toString() ?? ''
  t.match(text, `--root=${root} -b -n 7 -o short-iso-precise --no-pager\n`)
  t.notMatch(text, 'planted')
  t.equal(troubles.count(), 0)
})

t.test('one that hangs is killed, and what it said before counts', async (t) => {
  const { root, reads, troubles } = host(t, 'trap "" TERM; echo $$ > "$(dirname "$0")/pid"; echo early; exec sleep 600')
  t.equal((await readJournal(reads, 7, PLENTY))?.toString(), 'early\n')
  t.match(troubles.truncated(), /^journal.txt: journalctl was killed after \d+ ms$/)
  const pid = readFileSync(join(root, 'usr/bin/pid'), 'utf8').trim()
  t.notOk(existsSync(`/proc/${pid}`), 'it is gone')
})

t.test('one whose children keep its output open does not keep us', async (t) => {
  const { root, reads, troubles } = host(t, 'sleep 600 & echo $! > "$(dirname "$0")/pid"; echo early')
  t.equal((await readJournal(reads, 7, PLENTY))?.toString(), 'early\n')
  t.ok(troubles.truncated())
  process.kill(Number(readFileSync(join(root, 'usr/bin/pid'), 'utf8')))
})

t.test('of too much the newest whole lines are kept', async (t) => {
  const { reads, troubles } = host(t, 'seq -f "line %.0f" 1 600000')
  const text = (await readJournal(reads, 7, PLENTY))?.toString() ?? ''
  const lines = text.trimEnd().split('\n')
  t.equal(lines.at(-1), 'line 600000')
  t.match(lines[0], /^line \d+$/)
  t.equal(lines.length, 600_001 - Number(lines[0]?.slice(5)))
  t.ok(text.length > JOURNAL_BYTES / 2 && text.length <= JOURNAL_BYTES + 64 * 1024, String(text.length))
  t.ok(troubles.truncated())
})

t.test('that it fails, is missing or cannot be run is noted', async (t) => {
  const failing = host(t, 'echo no journal here >&2; exit 3')
  t.equal(await readJournal(failing.reads, 7, PLENTY), undefined)
  t.match(failing.troubles.text(), 'journal.txt: journalctl ended with 3: no journal here\n')

  const forbidden = host(t, '')
  chmodSync(join(forbidden.root, 'usr/bin/journalctl'), 0o644)
  t.equal(await readJournal(forbidden.reads, 7, PLENTY), undefined)
  t.match(forbidden.troubles.text(), /journal.txt: spawn .*EACCES/)

  const troubles = ledger()
  using reads = new HostReads(t.testdir({}), troubles, AbortSignal.timeout(60_000))
  t.equal(await readJournal(reads, 7, PLENTY), undefined)
  t.match(troubles.text(), 'journal.txt: not asked for: /usr/bin/journalctl could not be read')
})

t.test('on a host short of memory nothing is forked', async (t) => {
  const { root, reads, troubles } = host(t, 'touch "$(dirname "$0")/ran"')
  t.equal(await readJournal(reads, 7, { meminfo: 'MemAvailable:   20480 kB\n', pressure: undefined }), undefined)
  t.notOk(existsSync(join(root, 'usr/bin/ran')))
  t.match(troubles.text(), 'journal.txt: not asked for: only 20 MiB of memory are available')
  t.ok(shortOfMemory({ ...PLENTY, pressure: 'some avg10=90.00 total=1\nfull avg10=55.10 total=1\n' }))
  t.equal(shortOfMemory({ ...PLENTY, pressure: 'some avg10=90.00 total=1\nfull avg10=5.10 total=1\n' }), undefined)
  t.equal(shortOfMemory({ meminfo: undefined, pressure: undefined }), undefined)
})
