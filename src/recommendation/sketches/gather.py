    results = await asyncio.gather(*(one(item) for item in items))
