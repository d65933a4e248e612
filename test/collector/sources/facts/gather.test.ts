import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { HostReads } from '../../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../../agent/collector/host/ledger.ts'
import { FIGURES, type Figures } from '../../../../agent/collector/recorder/history.ts'
import { gather } from '../../../../agent/collector/sources/facts/gather.ts'
import type { Entry } from '../../../../agent/collector/tar/entry.ts'
import { fakeHost } from '../../host/fake-host.ts'

const AT = Date.parse('2023-11-15T00:16:24Z')

t.test('the facts of an invented host are those of the golden files', async (t) => {
  const troubles = ledger()
  using reads = new HostReads(t.testdir(fakeHost(t)), troubles, AbortSignal.timeout(60_000))
  const entries: Entry[] = []
  for await (const entry of gather(reads, AT, 100)) entries.push(entry)
  const all = new Map(entries.map(({ name, content }) => [name, content.toString()]))
  all.set('errors.txt', troubles.text())

  for (const name of GOLDEN) {
    const golden = new URL(`golden/${name}`, import.meta.url)
    // Written anew by LASTGASP_GOLDEN=write; read the difference before it is committed.
    if (process.env.LASTGASP_GOLDEN === 'write') await writeFile(golden, all.get(name) ?? '')
    t.equal(all.get(name), await readFile(golden, 'utf8'), name)
  }
  t.equal(entries[0]?.name, 'proc/meminfo', 'what costs nothing comes first')
  t.ok(all.has('sys/fs/pstore/dmesg-efi_pstore-1'), 'files behind a star are there')
  t.ok(all.has('sys/fs/cgroup/system.slice/shop.service/memory.stat'))
  t.match(all.get('crash-files.tsv'), /^\/sys\/fs\/pstore\/dmesg-efi_pstore-1\t54\t\d{4}-/m)
  t.ok(all.has('proc/300/smaps_rollup'))
  t.notMatch([...all.values()].join('\n'), /planted/i, 'no secret is in any of them')
  t.equal(all.get('proc/cmdline'), 'root=/dev/vda ro token=***\n')
  t.match(all.get('proc/self/mountinfo'), 'far\\040away', 'what is no secret stays')
})

t.test('what was recorded comes before all that has to be read, and the summary tells of it', async (t) => {
  const names: string[] = []
  const texts = new Map<string, string>()
  using reads = new HostReads(t.testdir(fakeHost(t)), ledger(), AbortSignal.timeout(60_000))
  const figures = Object.fromEntries(Object.keys(FIGURES).map((name) => [name, 5])) as Figures
  const sample = { number: 0, at: 1000, wall: AT, figures, disk: 'sda', top: [] }
  for await (const { name, content } of gather(reads, AT, 100, {
    interval: 5,
    span: 5,
    samples: [sample],
    kills: [],
  })) {
    names.push(name)
    texts.set(name, content.toString())
  }
  t.strictSame(names.slice(0, 3), ['history.tsv', 'history-top.tsv', 'proc/meminfo'])
  t.match(texts.get('history.tsv'), /^time\tuptime\tcpu_user\t.*\n2023-11-15T00:16:24Z\t1\.0\t-\t/)
  t.match(texts.get('summary.txt'), /^The ten minutes before \(history\.tsv has 1 look since 2023-11-15T00:16:24Z\)$/m)
})

const GOLDEN = [
  'summary.txt',
  'kernel-log.txt',
  'processes.tsv',
  'cgroups.tsv',
  'mounts.tsv',
  'blocked-tasks.txt',
  'deleted-files.tsv',
  'open-files.tsv',
  'errors.txt',
]
