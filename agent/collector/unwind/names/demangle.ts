import { cppName } from './itanium.ts'
import { rustName } from './rust-names.ts'

/** Longer names stay as they are: no symbol table's names are read any further (elf-symbols.ts). */
const MOST = 4096

/** What Go's linker adds to the name of a function in assembly: how it is called. Go's own table has it without. */
const GO_ABI = /\.abi(?:0|internal)$/

/** A function's name as people write it in C++, Rust or Go; any other name as it is. */
export function demangled(name: string): string {
  if (name.length > MOST) return name
  return rustName(name) ?? cppName(name) ?? name.replace(GO_ABI, '')
}
