import { cppName } from './itanium.ts'
import { rustName } from './rust-names.ts'

/** Longer names stay as they are: no symbol table's names are read any further (elf-symbols.ts). */
const MOST = 4096

/** A function's name as people write it in C++ or Rust; any other name as it is. */
export function demangled(name: string): string {
  if (name.length > MOST) return name
  return rustName(name) ?? cppName(name) ?? name
}
