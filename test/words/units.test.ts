import t from 'tap'
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../agent/words/units.ts'

t.test('durations are milliseconds', async (t) => {
  const table: [string, number][] = [
    ['0s', 0],
    ['1500ms', 1500],
    ['90s', 90_000],
    ['5min', 300_000],
    ['1.5h', 5_400_000],
    ['14d', 1_209_600_000],
    ['0.1ms', 0],
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, text)
})

t.test('sizes are bytes, in powers of 1024', async (t) => {
  const table: [string, number][] = [
    ['512B', 512],
    ['64KiB', 65_536],
    ['64MiB', 67_108_864],
    ['1.5GiB', 1_610_612_736],
    ['2TiB', 2_199_023_255_552],
  ]
  for (const [text, bytes] of table) t.equal(parseBytes(text), bytes, text)
})

t.test('what is no quantity is an error that says what to write', async (t) => {
  for (const text of ['90', '', 's', '-5s', '5 s', '5m', '1min30s', '1e3s', '5s\n', '9'.repeat(13).concat('s')]) {
    t.throws(() => parseDuration(text), /expected a duration such as "90s" \(units ms, s, min, h, d\), found/, text)
  }
  for (const text of ['64', '64MB', '64M', '64mib', '0x10B', '.5MiB']) {
    t.throws(() => parseBytes(text), /expected a size such as "64MiB" \(units B, KiB, MiB, GiB, TiB\), found/, text)
  }
})

t.test('people read three digits', async (t) => {
  const durations: [number, string][] = [
    [0, '0ms'],
    [1, '1ms'],
    [250.4, '250ms'],
    [1500, '1.5s'],
    [83_471, '83.5s'],
    [90_000, '90s'],
    [300_000, '5min'],
    [1_800_000, '30min'],
    [1_209_600_000, '14d'],
    [-5, '0ms'],
  ]
  for (const [ms, text] of durations) t.equal(formatDuration(ms), text)
  const sizes: [number, string][] = [
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1KiB'],
    [1_234_567, '1.18MiB'],
    [1_073_741_823, '1024MiB'],
    [17_179_869_184, '16GiB'],
    [1.5 * 1024 ** 4, '1.5TiB'],
  ]
  for (const [bytes, text] of sizes) t.equal(formatBytes(bytes), text)
})

t.test('what is printed can be typed, and is worth the same to 1 %', async (t) => {
  for (let value = 1; value < 1e14; value = Math.ceil(value * 1.37)) {
    const off = (back: number) => Math.abs(back - value) / value
    const bytes = formatBytes(value)
    const ms = formatDuration(value)
    t.ok(off(parseBytes(bytes)) < 0.01, `${value} is ${bytes}`)
    t.ok(off(parseDuration(ms)) < 0.01, `${value} is ${ms}`)
  }
})
