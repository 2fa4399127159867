INSERT INTO event (event_id, request_id, kind, location_id, string_id, battery_key, start_time, end_time, note,
                   discharged_ah, current_a, temperature_c, end_voltage_v, old_serial, new_serial,
                   replacement_reason, discharge_positive, offset_a, recorded_by, record_time)
VALUES (%(event_id)s, %(request_id)s, %(kind)s, %(location_id)s, %(string_id)s, %(battery_key)s, %(start)s, %(end)s,
        %(note)s, %(discharged_ah)s, %(current_a)s, %(temperature_c)s, %(end_voltage_v)s, %(old_serial)s,
        %(new_serial)s, %(replacement_reason)s, %(discharge_positive)s, %(offset_a)s, %(recorded_by)s, %(at)s)
ON CONFLICT (request_id) DO NOTHING
