results = [work(item) for item in items]
