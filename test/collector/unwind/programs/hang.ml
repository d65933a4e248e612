(* Threads that wait some calls deep for what never comes, and one that spins; through a closure and a handler of exceptions. *)
let never = Condition.create ()

let wait () =
  let own = Mutex.create () in
  Mutex.lock own;
  Condition.wait never own

let rec deep depth =
  if depth = 0 then (wait (); 1)
  else deep (depth - 1) + 1

let rec spin n = if n = 0 then 0 else spin ((n * 31 + 2) lor 1)

let guarded depth () =
  try ignore (List.fold_left (fun sum depth -> sum + deep depth) 0 [depth])
  with Not_found -> ()

let () =
  for depth = 0 to 5 do ignore (Thread.create (guarded depth) ()) done;
  ignore (Thread.create (fun () -> ignore (spin 1)) ());
  print_endline "ready";
  ignore (deep 12)
