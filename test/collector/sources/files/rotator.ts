import { existsSync, openSync, renameSync, writeSync } from 'node:fs'
import { numbered } from './numbered.ts'

/** A program that logs as fast as it may, and rotates its log all the time: `rotator.ts LOG FIRST-LINE`. */
const [log = '', first = '0'] = process.argv.slice(2)
/** Rotations, and lines between two of them. */
const ROTATIONS = 40
const LINES = 20_000
const AT_ONCE = 100

let next = Number(first)
let file = openSync(log, 'a')
for (let rotation = 0; rotation < ROTATIONS; rotation++) {
  for (let line = 0; line < LINES; line += AT_ONCE) {
    writeSync(file, numbered(next, AT_ONCE))
    next += AT_ONCE
    if (line % 2000 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (let age = rotation + 1; age > 0; age--) {
    const from = age === 1 ? log : `${log}.${age - 1}`
    if (existsSync(from)) renameSync(from, `${log}.${age}`)
  }
  file = openSync(log, 'a')
}
