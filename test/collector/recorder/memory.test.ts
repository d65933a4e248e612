import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { FIGURES, type Figures, type Sample, type Seen } from '../../../agent/collector/recorder/history.ts'
import { Recorder } from '../../../agent/collector/recorder/recorder.ts'
import { Samples } from '../../../agent/collector/recorder/samples.ts'
import { TestClock } from '../../clock.ts'
import { RecordedHost } from './recorded-host.ts'

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

/** Bytes that are reachable, on the heap and beside it. */
async function used(): Promise<number> {
  for (let n = 0; n < 4; n++) {
    await new Promise((resolve) => setImmediate(resolve))
    gc()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const MIB = 2 ** 20
const MINUTE = 60_000
const PROCESSES = 2_000
const UNITS = 600
/** The longest that there are: UNIT_NAME_MAX of systemd, and TASK_COMM_LEN of Linux, whose bytes may be told as four characters each. */
const unitName = (n: number) => apart(`${String(n).padStart(247, 'u')}.service`)
const comm = (n: number) => apart(String(n).padStart(60, 'c'))
/** As one that was read: what is put together in JavaScript is kept in pieces. */
const apart = (text: string) => Buffer.from(text).toString()

/** What is kept of who was seen, for minutes in which each process and service was looked at. */
async function ofHost(t: Test): Promise<number> {
  const host = new RecordedHost(t.testdir({}))
  host.begin()
  host.minute(0, 100)
  for (let n = 0; n < UNITS; n++) host.unit(`/system.slice/${unitName(n)}`, 1 + n, 0)
  for (let n = 0; n < PROCESSES; n++) host.process({ pid: 1000 + n, comm: comm(n), ticks: 50 + n, mib: 1 + (n % 999) })
  const clock = new TestClock()
  const recorder = new Recorder({
    ...{ root: host.root, clock, settings: () => ({ interval: MINUTE, span: 60 * MINUTE }) },
    ...{ say: (text) => t.fail(text), wall: () => clock.now() },
  })
  const before = await used()
  recorder.begin()
  for (let minute = 1; minute <= 13; minute++) await clock.run(clock.sleep(MINUTE))
  const bytes = (await used()) - before
  t.equal(recorder.history()?.samples.length, 14)
  recorder[Symbol.dispose]()
  return bytes
}

/** An hour of looks; `who` says who stands out in which. */
function hourOf(who: (number: number, n: number) => Seen['who']): Samples {
  const samples = new Samples()
  for (let number = 0; number <= 720; number++) {
    const figures = Object.fromEntries(Object.keys(FIGURES).map((name, n) => [name, number + n / 7])) as Figures
    const top = Array.from({ length: 27 }, (_, n): Seen => {
      const of = { memory: number * 27 + n, grown: number, cpu: number / 7, threads: n, fds: n < 17 ? n : Number.NaN }
      return { who: who(number, n), ...of }
    })
    const sample: Sample = { number, at: number * 5_000 + 0.5, wall: number + 0.5, figures, disk: `disk${number}`, top }
    samples.add(sample, 3_600_000)
  }
  return samples
}

/** 17 processes and ten services, which are others with each number. */
function standing(number: number, n: number): Seen['who'] {
  const pid = number * 27 + n
  return n < 17 ? { pid, comm: comm(pid), unit: unitName(pid) } : { unit: unitName(pid) }
}

t.test('an hour of the largest rows of a host with many processes and services is kept within 4 MiB', async (t) => {
  const host = await ofHost(t)
  const before = await used()
  const samples = hourOf(standing)
  const hour = (await used()) - before
  t.ok(samples.all().length >= 100, 'the last minutes are there in any case')
  const told = `${(host / MIB).toFixed(2)} MiB of who was seen, ${(hour / MIB).toFixed(2)} MiB of an hour`
  t.comment(told)
  t.ok(host + hour <= 4 * MIB, told)
})

t.test('where the same ones stand out, all of the hour is there', async (t) => {
  const same = Array.from({ length: 27 }, (_, n) => standing(0, n))
  const before = await used()
  const samples = hourOf((_, n) => same[n] as Seen['who'])
  const hour = (await used()) - before
  t.equal(samples.all()[0]?.number, 0)
  t.equal(samples.all().length, 1 + 144 + (720 - 144) / 6)
  t.comment(`${(hour / MIB).toFixed(2)} MiB`)
  t.ok(hour <= 2 * MIB)
})
