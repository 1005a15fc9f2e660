SELECT sequence FROM counter WHERE only = 1
