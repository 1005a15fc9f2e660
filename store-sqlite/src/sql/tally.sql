SELECT state, jobs FROM tally
