import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { growers } from '../../../agent/collector/recorder/growers.ts'
import type { Figures, History, Sample, Seen } from '../../../agent/collector/recorder/history.ts'
import { Recorder } from '../../../agent/collector/recorder/recorder.ts'
import { Samples } from '../../../agent/collector/recorder/samples.ts'
import { historyTable, topTable } from '../../../agent/collector/sources/facts/history-tables.ts'
import { historyDetails, historyTold } from '../../../agent/collector/sources/facts/history-told.ts'
import { TestClock } from '../../clock.ts'
import { hanging, openBelow } from '../host/open-descriptors.ts'
import { RecordedHost } from './recorded-host.ts'

const MINUTE = 60_000
const BEGAN = Date.parse('2023-11-15T00:00:00Z')
const LEAK = { pid: 4711, comm: 'leak', start: 90_000, cgroup: '/system.slice/leak.service' }

/** A host, and what is recorded of it. */
function scene(t: Test, settings: { interval: number; span: number }) {
  const host = new RecordedHost(t.testdir({}))
  host.begin()
  const clock = new TestClock()
  const said: string[] = []
  const wall = { ahead: 0 }
  const recorder = new Recorder({
    ...{ root: host.root, clock, settings: () => settings, say: (text: string) => said.push(text) },
    wall: () => BEGAN + clock.now() + wall.ahead,
  })
  t.teardown(() => recorder[Symbol.dispose]())
  return { host, clock, recorder, said, wall }
}

/** Where a process is, is asked besides. */
async function placed(recorder: Recorder): Promise<void> {
  const isPlaced = ({ who: { pid, unit } }: Seen) => pid === undefined || pid === 300 || unit !== undefined
  while (!recorder.history()?.samples.every(({ top }) => top.every(isPlaced))) await setTimeout(1)
}

/** Minutes 0 to 13 of a host on which a service leaks, until the kernel kills it in the twelfth. */
async function leaking(t: Test): Promise<History> {
  const { host, clock, recorder, said, wall } = scene(t, { interval: MINUTE, span: 60 * MINUTE })
  for (let minute = 0; minute <= 13; minute++) {
    const mib = minute <= 11 ? 100 + 90 * minute : 0
    host.minute(minute, 200 + mib)
    host.process({ pid: 1, comm: 'systemd', ticks: 100, mib: 12, fds: 50, cgroup: '/init.scope' })
    host.process({ pid: 2, comm: 'kthreadd', flags: 2129984, ticks: 600 * minute, mib: 0 })
    host.process({ pid: 300, comm: 'a) b (c', ticks: 600 * minute, threads: 9, mib: 150, fds: 9 })
    if (mib > 0) host.process({ ...LEAK, ticks: 120 * minute, mib, fds: 20 })
    else host.end(4711)
    host.unit('/system.slice/leak.service', mib, 1_200_000 * minute)
    host.unit('/system.slice/odd.service', 100, 6_000_000 * minute)
    if (minute === 12) host.log(KILLED)
    if (minute === 7) wall.ahead = 3_600_000
    if (minute === 0) recorder.begin()
    else await clock.run(clock.sleep(MINUTE))
    await placed(recorder)
  }
  t.strictSame(said, [])
  return recorder.history() as History
}

const KILL = [
  { priority: 12, text: 'Out of memory: Killed process 300 (a program says) total-vm:1kB, anon-rss:1kB' },
  {
    priority: 6,
    text: 'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/system.slice/leak.service,task=leak,pid=4711,uid=33',
  },
  {
    priority: 3,
    text: 'Out of memory: Killed process 4711 (leak) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:33 pgtables:1kB oom_score_adj:0',
  },
]

const KILLED = KILL.map(({ priority, text }, i) => `${priority},${i + 2},${1_700_000_000 + i},-;${text}\n`).join('')

t.test('the tables and the summary of an invented leak are those of the golden files', async (t) => {
  const history = await leaking(t)
  const told = {
    'history.tsv': historyTable(history),
    'history-top.tsv': topTable(history),
    'told.txt': `${historyTold(history).join('\n')}\n`,
    'details.json': `${JSON.stringify(historyDetails(history), null, 2)}\n`,
  }
  for (const [name, text] of Object.entries(told)) {
    const golden = new URL(`golden/${name}`, import.meta.url)
    // Written anew by LASTGASP_GOLDEN=write; read the difference before it is committed.
    if (process.env.LASTGASP_GOLDEN === 'write') await writeFile(golden, text)
    t.equal(text, await readFile(golden, 'utf8'), name)
  }
})

t.test(
  'however long it records, the last minutes are whole, the rest is thinned out, and what is older than the span is gone',
  (t) => {
    const samples = new Samples()
    const [step, span] = [5_000, 3_600_000]
    const at = (number: number): Sample => ({
      number,
      at: number * step,
      wall: 0,
      figures: {} as Figures,
      disk: undefined,
      top: [],
    })
    for (let number = 0; number <= 5000; number++) samples.add(at(number), span)
    const numbers = samples.all().map(({ number }) => number)
    t.equal(numbers.at(-1), 5000)
    t.strictSame(
      numbers,
      numbers.toSorted((a, b) => a - b),
    )
    t.strictSame(
      numbers.slice(-144),
      Array.from({ length: 144 }, (_, i) => 4857 + i),
      'twelve minutes as they were',
    )
    const before = numbers.slice(0, -144)
    t.ok(before.every((number) => number % 6 === 0))
    t.equal(before.length, (720 - 144) / 6, 'then every sixth')
    t.ok((numbers[0] ?? 0) * step >= 5000 * step - span)
    t.ok(numbers.length < 300)
    t.end()
  },
)

t.test('a look ends when its time is up: who stood out is looked at, the others in their turn', async (t) => {
  const { host, clock, recorder } = scene(t, { interval: 10_000, span: MINUTE })
  // Each time that the clock is asked, 1 ms has passed: of the 10 that a look has, so much is left for some processes.
  const { now } = clock
  let asked = 0
  clock.now = () => now.call(clock) + asked++
  host.minute(0, 100)
  for (let pid = 100; pid < 400; pid++) host.process({ pid, comm: 'small', ticks: 0, mib: 1 })
  recorder.begin()
  const looks: number[] = []
  const isLooked = (pid: number, mib: number) =>
    recorder
      .history()
      ?.samples.at(-1)
      ?.top.some(({ who, memory }) => who.pid === pid && memory === mib * 1024)
  host.process({ pid: 100, comm: 'large', ticks: 0, mib: 500 })
  for (let look = 1; look <= 9 && !isLooked(100, 500); look++) {
    await clock.run(clock.sleep(10_000))
    looks.push(look)
  }
  t.ok(isLooked(100, 500), `found after ${looks.length} looks`)
  t.ok(looks.length > 1, 'one look is not enough for all')
  host.process({ pid: 100, comm: 'large', ticks: 0, mib: 600 })
  await clock.run(clock.sleep(10_000))
  t.ok(isLooked(100, 600), 'who stands out is looked at each time')
  host.process({ pid: 400, comm: 'leak', ticks: 0, mib: 300 })
  await clock.run(clock.sleep(10_000))
  t.ok(isLooked(400, 300), 'and who is new has not to wait for his turn')
})

t.test('a host that tells nothing has a history of nothing', async (t) => {
  const { clock, recorder, said } = scene(t, { interval: MINUTE, span: 10 * MINUTE })
  recorder.begin()
  await clock.run(clock.sleep(3 * MINUTE + 1))
  const history = recorder.history() as History
  t.equal(history.samples.length, 4)
  t.strictSame(said, [])
  t.match(historyTable(history).split('\n')[2]?.split('\t').slice(2, 9), ['-', '-', '-', '-', '-', '-', '-'])
  t.match(historyTold(history).join('\n'), '? available')
  t.strictSame(historyDetails(history), { recorded: 3 * MINUTE })
})

t.test(
  'what cannot be read is missing in a row, and nothing else; a process that is another one under the same id',
  async (t) => {
    const { host, clock, recorder } = scene(t, { interval: MINUTE, span: 10 * MINUTE })
    host.minute(0, 100)
    host.process({ pid: 7, comm: 'first', ticks: 90_000, mib: 900, start: 100 })
    recorder.begin()
    host.minute(1, 100)
    host.write('proc/vmstat', 'nr_free_pages 1\npgmajfault 0\n')
    host.write('proc/net/dev', '')
    host.process({ pid: 7, comm: 'second', ticks: 3000, mib: 20, start: 103_000 })
    await clock.run(clock.sleep(MINUTE))
    const { samples } = recorder.history() as History
    const [first, second] = samples
    t.equal(first?.figures.available, (2_000_000 - 102_400) * 1024)
    t.equal(second?.figures.major_faults, 0)
    t.ok(Number.isNaN(second?.figures.disk_read))
    t.ok(Number.isNaN(second?.figures.net_in))
    t.match(
      second?.top.find(({ who }) => who.pid === 7),
      { who: { comm: 'second' }, memory: 20 * 1024, grown: 0, cpu: 100 },
    )
    t.equal(second?.top.length, 1)
  },
)

t.test(
  'a counter that begins anew is told as unknown; time that passed without a look is in the next row',
  async (t) => {
    const { host, clock, recorder } = scene(t, { interval: MINUTE, span: 10 * MINUTE })
    host.minute(5, 100)
    clock.late = 4 * MINUTE
    recorder.begin()
    host.minute(1, 100)
    await clock.run(clock.sleep(MINUTE))
    const history = recorder.history() as History
    const [, late] = historyTable(history)
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.split('\t'))
    const column = (name: string) => late?.[historyTable(history).split('\n')[0]?.split('\t').indexOf(name) ?? 0]
    t.equal(column('uptime'), '1300.0')
    t.equal(column('net_in'), '-')
    t.equal(column('running'), '2')
  },
)

t.test('settings turn it off and on while it runs', async (t) => {
  const settings = { interval: MINUTE, span: 0 }
  const { host, clock, recorder } = scene(t, settings)
  host.minute(0, 100)
  recorder.begin()
  t.equal(recorder.history(), undefined)
  settings.span = 10 * MINUTE
  await clock.run(clock.sleep(3 * MINUTE + 1))
  t.equal(recorder.history()?.samples.length, 3)
  settings.span = 0
  await clock.run(clock.sleep(MINUTE))
  t.equal(recorder.history(), undefined, 'what was kept is forgotten')
})

t.test('a service that comes up is found, and containers by their group', async (t) => {
  const { host, clock, recorder } = scene(t, { interval: 10_000, span: 10 * MINUTE })
  host.minute(0, 100)
  host.unit('/system.slice/first.service', 10, 0)
  host.unit('/system.slice/first.service/of-its-own', 10, 0)
  recorder.begin()
  const pod = `/kubepods/burstable/pod1/${'ab'.repeat(32)}`
  host.unit('/system.slice/second.service', 20, 0)
  host.unit(pod, 30, 0)
  const units = () =>
    recorder
      .history()
      ?.samples.at(-1)
      ?.top.map(({ who }) => who.unit)
  await clock.run(clock.sleep(40_000))
  t.strictSame(units(), ['first.service'], 'groups are walked through once a minute')
  host.write('sys/fs/cgroup/cgroup.stat', 'nr_descendants 5\n')
  await clock.run(clock.sleep(10_000))
  t.strictSame(units(), [pod, 'second.service', 'first.service'])
  host.remove('sys/fs/cgroup/system.slice/second.service')
  await clock.run(clock.sleep(10_000))
  t.strictSame(units(), [pod, 'first.service'], 'one that is gone tells nothing')
})

t.test('a service of which no process explains its growth is told of', (t) => {
  const seen = (who: Seen['who'], grown: number): Seen => ({ who, grown, memory: grown, cpu: 0, threads: 1, fds: 1 })
  const kills = [{ at: -1, wall: 0, who: { pid: 1 } }]
  const grown = (...top: Seen[]) =>
    growers({
      interval: 1,
      span: 1,
      kills,
      samples: [{ number: 0, at: 0, wall: 0, figures: {} as Figures, disk: undefined, top }],
    })
  const [service, one, other] = [
    seen({ unit: 'a.service' }, 1_000_000),
    seen({ unit: 'a.service', pid: 1, comm: 'a' }, 600_000),
    seen({ unit: 'a.service', pid: 2, comm: 'a' }, 400_000),
  ]
  t.strictSame(
    grown(service, one, other).map(({ who }) => who.pid),
    [1, 2],
  )
  t.strictSame(
    grown(other, service).map(({ who }) => who.pid),
    [undefined, 2],
  )
  t.notOk(grown(one)[0]?.killed, 'who was killed before was another one under the same id')
  t.strictSame(grown(seen({ pid: 3, comm: 'b' }, 10_000)), [], 'what is little explains nothing')
  t.end()
})

t.test('who has ended is forgotten, also where nobody has looked at him since', async (t) => {
  const { host, clock, recorder } = scene(t, { interval: MINUTE, span: 10 * MINUTE })
  host.minute(0, 100)
  for (let pid = 100; pid < 110; pid++) host.process({ pid, comm: 'app', ticks: 0, mib: pid })
  recorder.begin()
  const pids = () =>
    recorder
      .history()
      ?.samples.at(-1)
      ?.top.map(({ who }) => who.pid)
  t.strictSame(pids(), [109, 108, 107, 106, 105])
  for (let pid = 100; pid < 109; pid++) host.end(pid)
  await clock.run(clock.sleep(2 * MINUTE + 1))
  t.strictSame(pids(), [109])
})

t.test('however much was logged before, the next look has what was logged since', async (t) => {
  const { host, clock, recorder } = scene(t, { interval: MINUTE, span: 20 * MINUTE })
  host.minute(0, 100)
  // A read gives 16 KiB of a file, and of the kernel's log a record.
  const before = `6,1,5,-;${'x'.repeat(16_000)}\n`.repeat(2200)
  host.log('', before)
  recorder.begin()
  host.log(KILLED, before)
  await clock.run(clock.sleep(MINUTE + 1))
  t.match(recorder.history()?.kills, [{ at: 1_700_000, who: { pid: 4711, comm: 'leak', unit: 'leak.service' } }])
})

t.test('a group that the kernel does not tell hangs nobody: looks go on, and are asked without it', async (t) => {
  const { host, clock, recorder } = scene(t, { interval: MINUTE, span: 10 * MINUTE })
  host.minute(0, 100)
  host.process({ pid: 7, comm: 'app', ticks: 0, mib: 20 })
  const group = join(host.root, 'proc/7/cgroup')
  hanging(t, group)
  recorder.begin()
  await clock.run(clock.sleep(3 * MINUTE + 1))
  t.equal(recorder.history()?.samples.length, 4)
  // The pool opens it when it comes to that.
  while (openBelow(group).length < 2) await setTimeout(1)
  await setTimeout(10)
  t.equal(openBelow(group).length, 2, 'by the test, and by one that asks')
  t.match(recorder.history()?.samples.at(-1)?.top, [
    { who: { pid: 7, comm: 'app', unit: undefined }, memory: 20 * 1024 },
  ])
})

t.test('it keeps few files open, however long it looks, and none of those who have ended', async (t) => {
  const { host, clock, recorder } = scene(t, { interval: MINUTE, span: 10 * MINUTE })
  const open = () => openBelow(host.root)
  for (let minute = 0; minute < 6; minute++) {
    host.minute(minute, 100)
    // Others stand out in each minute.
    for (let pid = 100; pid < 160; pid++)
      host.process({ pid, comm: 'app', ticks: 0, mib: (pid * 7 + minute * 13) % 60, threads: (pid * 11 + minute) % 60 })
    if (minute === 0) recorder.begin()
    else await clock.run(clock.sleep(MINUTE))
    const kept = open().filter((path) => /\/proc\/\d+\/stat$/.test(path))
    t.ok(kept.length <= 17, `${kept.length} of processes`)
    t.ok(minute === 0 || kept.length > 0, 'who stands out is kept open')
  }
  for (let pid = 100; pid < 160; pid++) host.end(pid)
  await clock.run(clock.sleep(MINUTE))
  t.strictSame(
    open().filter((path) => /\/proc\/\d+\/stat/.test(path)),
    [],
  )
  recorder[Symbol.dispose]()
  t.strictSame(open(), [])
})

t.test(
  'where there is no hierarchy of version 2 there are no services, and what is no file is not kept open',
  async (t) => {
    const { host, clock, recorder } = scene(t, { interval: MINUTE, span: 10 * MINUTE })
    host.minute(0, 100)
    host.remove('sys/fs/cgroup/cgroup.stat')
    host.unit('/memory/system.slice/of-version-1.service', 10, 0)
    host.remove('proc/loadavg')
    host.write('proc/loadavg/of-another-kind', '')
    recorder.begin()
    await clock.run(clock.sleep(2 * MINUTE + 1))
    const last = recorder.history()?.samples.at(-1)
    t.strictSame(last?.top, [])
    t.ok(Number.isNaN(last?.figures.tasks))
    t.equal(last?.figures.running, 2)
    t.strictSame(openBelow(join(host.root, 'proc/loadavg')), [])
  },
)
