-- Rows of one battery between two times, of which one index may tell everything; columns, times and order are filled in.
(SELECT {columns} FROM reading
 WHERE battery_key = %(battery_key)s AND sample_time >= {start} AND sample_time < {end} {order})
