import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { HostReads } from '../../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../../agent/collector/host/ledger.ts'
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
