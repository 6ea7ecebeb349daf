    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in items]
    results = [task.result() for task in tasks]
