"""The child's side of `executor="process"`: what runs in processes that an engine starts.

An engine starts one clean process, the zygote, which has one thread, imports the application's modules and
forks a child for each place in the pool (`zygote`). A child takes one job after the other from its socket
(`serve`), calls it (`call`) and sends back what came of it. What travels on the socket is in `frames`; the
engine's side of it is `core/src/executor/process/` in the sources.
"""
