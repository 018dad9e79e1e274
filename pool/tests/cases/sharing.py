"""Shared memory, memoryviews and channels."""

import array
import asyncio
import threading
import time
import unittest

import extpool
import functions_for_tests as f


class Sharing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pool = extpool.InterpreterPool(2)

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()

    def call(self, *args):
        return self.pool.submit(*args).result(30)

    def test_memory_is_the_same(self):
        data = bytearray(100000)
        self.assertEqual(self.call(f.fill, memoryview(data), 7), 100000)
        self.assertEqual(data, b"\7" * 100000)
        shared = extpool.Shared(data)
        self.call(f.fill, shared, 9)
        self.assertEqual(data, b"\11" * 100000)

    def test_exporter_is_locked_only_while_used(self):
        data = bytearray(1000)
        view = memoryview(data)
        self.call(f.fill, view, 1)
        view.release()
        del view
        self.pool.submit(pow, 1, 1).result()
        data.append(1)
        shared = extpool.Shared(data)
        with self.assertRaises(BufferError):
            data.append(1)
        del shared
        self.pool.submit(pow, 1, 1).result()
        data.append(1)

    def test_read_only_stays_read_only(self):
        self.assertTrue(extpool.Shared(b"abc").readonly)
        error = self.pool.submit(f.fill, memoryview(b"abc"), 1).exception(30)
        self.assertIsInstance(error, TypeError)

    def test_formats(self):
        numbers = array.array("d", [1.5, 2.5, 3.0])
        self.assertEqual(self.call(f.view_sum, extpool.Shared(numbers)), 7.0)
        square = memoryview(bytes(range(12))).cast("B", (3, 4))
        back = self.call(f.identity, square)
        self.assertEqual((back.shape, back.tolist()), ((3, 4), square.tolist()))
        every_second = memoryview(b"abcdef")[::2]
        self.assertEqual(bytes(self.call(f.identity, every_second)), b"ace")
        self.assertEqual(len(extpool.Shared(10)), 10)
        self.assertEqual(extpool.Shared(10).nbytes, 10)
        self.assertRaises(ValueError, extpool.Shared, -1)
        self.assertRaises(TypeError, extpool.Shared, "text")

    def test_what_workers_make_outlives_them(self):
        with extpool.InterpreterPool(1) as pool:
            view = pool.submit(f.as_view, 100000).result(30)
            shared = pool.submit(f.make_shared, 100000).result(30)
            big = pool.submit(bytes, 5_000_000)
        self.assertEqual(bytes(view), b"r" * 100000)
        self.assertEqual(bytes(shared.view()), b"w" * 100000)
        self.assertEqual(big.result(), bytes(5_000_000))

    def test_channel(self):
        there, back = extpool.Channel(), extpool.Channel()
        future = self.pool.submit(f.echo, there, back)
        for value in (1, "two", [3, {"four": 5.0}], b"x" * 100000, None):
            there.send(value)
            self.assertEqual(back.receive(30), value)
        there.close()
        self.assertEqual(future.result(30), "closed")
        self.assertRaises(extpool.ChannelClosed, there.send, 1)

    def test_order_and_limit(self):
        channel = extpool.Channel(2)
        future = self.pool.submit(f.send_many, channel, 500)
        time.sleep(0.05)
        self.assertLessEqual(len(channel), 2)
        self.assertEqual([channel.receive(30) for _ in range(500)], list(range(500)))
        self.assertEqual(future.result(30), 500)
        channel.send(1)
        channel.send(2)
        start = time.monotonic()
        self.assertRaises(TimeoutError, channel.send, 3, 0.05)
        self.assertGreaterEqual(time.monotonic() - start, 0.05)

    def test_close_lets_the_rest_out_and_poison_does_not(self):
        channel = extpool.Channel()
        channel.send(1)
        channel.close()
        self.assertTrue(channel.closed)
        self.assertEqual(channel.receive(), 1)
        self.assertRaises(extpool.ChannelClosed, channel.receive)
        channel = extpool.Channel()
        channel.send(1)
        channel.poison("bad water")
        with self.assertRaisesRegex(extpool.ChannelPoisoned, "bad water"):
            channel.receive()
        waiting = extpool.Channel()
        future = self.pool.submit(f.receive_forever, waiting)
        time.sleep(0.1)
        waiting.poison("enough")
        self.assertIsInstance(future.exception(30), extpool.ChannelPoisoned)

    def test_waiting_is_not_polling(self):
        """A waiting receiver uses no processor time, and wakes at once."""
        channel = extpool.Channel()
        used = time.thread_time()
        self.assertRaises(TimeoutError, channel.receive, 0.3)
        self.assertLess(time.thread_time() - used, 0.1)
        back = extpool.Channel()

        def answer():
            for _ in range(20):
                back.send((channel.receive(30), time.monotonic()))
        thread = threading.Thread(target=answer)
        thread.start()
        seconds = []
        for n in range(20):
            time.sleep(0.01)  # the other one sleeps by now
            sent = time.monotonic()
            channel.send(n)
            number, received = back.receive(30)
            self.assertEqual(number, n)
            seconds.append(received - sent)
        thread.join()
        self.assertLess(min(seconds), 0.004)  # of many: the machine may be busy

    def test_select(self):
        one, two = extpool.Channel(), extpool.Channel()
        two.send("b")
        self.assertEqual(extpool.select([one, two]), (two, "b"))
        self.assertRaises(TimeoutError, extpool.select, [one, two], 0.02)
        self.assertRaises(TimeoutError, extpool.select, channels=[one, two], timeout=0.02)
        future = self.pool.submit(f.send_many, one, 3)
        got = [extpool.select([two, one], 30) for _ in range(3)]
        self.assertEqual(got, [(one, 0), (one, 1), (one, 2)])
        future.result(30)
        two.close()
        self.assertRaises(extpool.ChannelClosed, extpool.select, [one, two])
        self.assertRaises(ValueError, extpool.select, [])
        self.assertRaises(TypeError, extpool.select, [1])

    def test_iterating_a_channel(self):
        channel = extpool.Channel()
        future = self.pool.submit(f.send_many, channel, 3)
        future.add_done_callback(lambda _: channel.close())
        self.assertEqual(list(channel), [0, 1, 2])
        self.assertEqual(list(channel), [])
        channel.poison("broken")
        self.assertRaisesRegex(extpool.ChannelPoisoned, "broken", list, channel)

    def test_repr_of_a_channel(self):
        channel = extpool.Channel(3)
        channel.send(1)
        self.assertRegex(repr(channel), r"^<extpool\.Channel 0x\w+ size=1 maxsize=3>$")
        self.assertEqual(self.pool.submit(repr, channel).result(30), repr(channel))
        channel.close()
        self.assertIn(" closed>", repr(channel))
        channel.poison()
        self.assertIn(" poisoned>", repr(channel))

    def test_channel_in_channel_and_identity(self):
        outer, inner = extpool.Channel(), extpool.Channel()
        outer.send({"reply": inner})
        got = outer.receive()["reply"]
        self.assertEqual(got, inner)
        self.assertEqual(hash(got), hash(inner))
        got.send(4)
        self.assertEqual(inner.receive(), 4)
        self.assertNotEqual(outer, inner)

    def test_asyncio_receive(self):
        channel = extpool.Channel()

        async def main():
            future = self.pool.submit(f.send_many, channel, 50)
            numbers = [await channel.receive_async() for _ in range(50)]
            with self.assertRaises(TimeoutError):
                await channel.receive_async(0.02)
            waiting = asyncio.ensure_future(channel.receive_async())
            await asyncio.sleep(0.02)
            channel.send("late")
            self.assertEqual(await waiting, "late")
            channel.close()
            with self.assertRaises(extpool.ChannelClosed):
                await channel.receive_async()
            future.result(30)
            return numbers
        self.assertEqual(asyncio.run(main()), list(range(50)))

    def test_many_to_many(self):
        channel = extpool.Channel(5)
        futures = [self.pool.submit(f.send_many, channel, 300) for _ in range(2)]
        got = []

        def read():
            while True:
                try:
                    got.append(channel.receive(30))
                except extpool.ChannelClosed:
                    return
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for future in futures:
            future.result(60)
        channel.close()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(got), sorted(list(range(300)) * 2))


if __name__ == "__main__":
    unittest.main()
