SELECT max(seq) FROM sqlite_sequence WHERE name = 'change'
